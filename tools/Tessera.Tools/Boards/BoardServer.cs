using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Boards;

/// <summary>Serves a board to this machine alone: it listens at 127.0.0.1, answers requests only that name this machine (so that no page of
/// another site can read it by a name that leads here), and gives nothing but the page, its data, and pictures of the runs.</summary>
internal sealed class BoardServer : IAsyncDisposable
{
    private const int Further = 20; // ports that are tried after the usual one

    private readonly WebApplication _app;

    private BoardServer(WebApplication app, int port) => (_app, Port) = (app, port);

    public int Port { get; }

    public Uri Address => new($"http://127.0.0.1:{Port}/");

    /// <param name="port">null: the usual one, or the next that is free; 0: any.</param>
    /// <exception cref="UserErrorException">The port is taken.</exception>
    public static async Task<BoardServer> Start(BoardState state, int? port)
    {
        const int usual = 6060;
        for (var tried = port ?? usual; ; tried++)
        {
            var app = Build(state, tried);
            try
            {
                await app.StartAsync().ConfigureAwait(false);
                return new BoardServer(app, new Uri(app.Urls.First()).Port);
            }
            catch (IOException error)
            {
                await app.DisposeAsync().ConfigureAwait(false);
                if (port is not null || tried == usual + Further)
                    throw new UserErrorException(
                        $"Port {tried} of this machine can't be had: {error.Message} Another --port can be named.",
                        error
                    );
            }
        }
    }

    private static WebApplication Build(BoardState state, int port)
    {
        // Empty: no settings of the current directory or the environment, no log.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = 0;
            server.Listen(IPAddress.Loopback, port);
        });
        var app = builder.Build();
        var page = BoardPage.Write();
        app.Run(context => Answer(context, state, page));
        return app;
    }

    private static Task Answer(HttpContext context, BoardState state, string page)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.XFrameOptions = "DENY";
        if (request.Host.Host is not ("localhost" or "127.0.0.1"))
            return Refuse(response, StatusCodes.Status403Forbidden, "This board answers to localhost alone.");
        if (!HttpMethods.IsGet(request.Method))
            return Refuse(response, StatusCodes.Status405MethodNotAllowed, "Nothing can be sent to a board.");
        var path = request.Path.Value ?? "";
        return path switch
        {
            "/" => Text(response, "text/html; charset=utf-8", page),
            "/state" => State(request, response, state.Look()),
            _ when path.Split('/') is ["", "maps", var number, var name] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var run) => Maps(
                response,
                state.FindMaps(run, name)
            ),
            _ => Refuse(response, StatusCodes.Status404NotFound, "There is no such page."),
        };
    }

    private static Task State(HttpRequest request, HttpResponse response, (string Tag, string Json) state)
    {
        response.Headers.ETag = state.Tag;
        if (request.Headers.IfNoneMatch != state.Tag)
            return Text(response, "application/json", state.Json);
        response.StatusCode = StatusCodes.Status304NotModified;
        return Task.CompletedTask;
    }

    private static Task Maps(HttpResponse response, string? file)
    {
        if (file is null)
            return Refuse(response, StatusCodes.Status404NotFound, "There are no such maps.");
        response.ContentType = "image/png";
        return response.SendFileAsync(file);
    }

    private static Task Refuse(HttpResponse response, int status, string text)
    {
        response.StatusCode = status;
        return Text(response, "text/plain; charset=utf-8", text + "\n");
    }

    private static Task Text(HttpResponse response, string type, string text)
    {
        response.ContentType = type;
        return response.WriteAsync(text);
    }

    /// <summary>Until something ends the process.</summary>
    public Task Wait(CancellationToken ended) => _app.WaitForShutdownAsync(ended);

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
