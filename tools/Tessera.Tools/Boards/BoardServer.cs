using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Boards;

/// <summary>Serves a board to this machine alone: it listens at 127.0.0.1, answers requests only that name this machine (so that no page of
/// another site can read it by a name that leads here), and gives nothing but the page, its data, and pictures of the runs.</summary>
internal sealed class BoardServer : IAsyncDisposable
{
    private const int Usual = 6060,
        Further = 20, // ports that are tried after the usual one
        MostHead = 16 << 10,
        MostAtOnce = 32;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly BoardState _state;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _room = new(MostAtOnce);
    private readonly string _page = BoardPage.Write();
    private readonly Task _accepting;

    private BoardServer(BoardState state, TcpListener listener)
    {
        (_state, _listener) = (state, listener);
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        _accepting = Accept();
    }

    public int Port { get; }

    public Uri Address => new($"http://127.0.0.1:{Port}/");

    /// <param name="port">null: the usual one, or the next that is free; 0: any.</param>
    /// <exception cref="UserErrorException">The port is taken.</exception>
    public static BoardServer Start(BoardState state, int? port)
    {
        for (var tried = port ?? Usual; ; tried++)
        {
            var listener = new TcpListener(IPAddress.Loopback, tried);
            try
            {
                listener.Start();
                return new BoardServer(state, listener);
            }
            catch (SocketException error)
            {
                listener.Dispose();
                if (port is not null || tried == Usual + Further)
                    throw new UserErrorException(
                        $"Port {tried} of this machine can't be had: {error.Message}. --port names another; 0 is any that is free.",
                        error
                    );
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        for (var i = 0; i < MostAtOnce; i++)
            await _room.WaitAsync().ConfigureAwait(false); // those that are being served
        _room.Dispose();
        _ended.Dispose();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
            {
                await _room.WaitAsync(_ended.Token).ConfigureAwait(false);
                try
                {
                    var client = await _listener.AcceptTcpClientAsync(_ended.Token).ConfigureAwait(false);
                    _ = Task.Run(() => Serve(client));
                }
                catch
                {
                    _room.Release();
                    throw;
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // the end
        }
    }

    private async Task Serve(TcpClient client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        limit.CancelAfter(s_patience);
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                var answer = Answer(await ReadHead(stream, limit.Token).ConfigureAwait(false));
                await stream.WriteAsync(answer.ToBytes(), limit.Token).ConfigureAwait(false);
                client.Client.Shutdown(SocketShutdown.Send);
                var rest = new byte[MostHead]; // what else was sent, so that the answer isn't lost with the connection
                _ = await stream.ReadAsync(rest, limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or UnauthorizedAccessException)
        {
            // the browser has gone, or was too slow
        }
        finally
        {
            _room.Release();
        }
    }

    /// <returns>null: it is longer than any browser's, or no request.</returns>
    private static async Task<BoardRequest?> ReadHead(NetworkStream stream, CancellationToken cancellation)
    {
        var (head, length) = (new byte[MostHead], 0);
        while (length < head.Length)
        {
            var read = await stream.ReadAsync(head.AsMemory(length), cancellation).ConfigureAwait(false);
            length += read;
            var end = head.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
                return BoardRequest.Parse(head.AsSpan(0, end + 4));
            if (read == 0)
                break;
        }
        return null;
    }

    private BoardAnswer Answer(BoardRequest? request)
    {
        if (request is null)
            return BoardAnswer.Refusal("400 Bad Request", "This is no request that a board understands.");
        if (request.Host.ToLowerInvariant() is not ("localhost" or "127.0.0.1"))
            return BoardAnswer.Refusal("403 Forbidden", "This board answers to localhost alone.");
        if (request.Method != "GET")
            return BoardAnswer.Refusal("405 Method Not Allowed", "Nothing can be sent to a board.");
        return request.Path switch
        {
            "/" => BoardAnswer.Text("text/html; charset=utf-8", _page),
            "/state" => State(request),
            _ => Maps(request.Path) ?? BoardAnswer.Refusal("404 Not Found", "There is no such page."),
        };
    }

    private BoardAnswer State(BoardRequest request)
    {
        var (tag, json) = _state.Look();
        return request.Known == tag ? BoardAnswer.Unchanged(tag) : BoardAnswer.Text("application/json", json, tag);
    }

    private BoardAnswer? Maps(string path) =>
        path.Split('/') is ["", "maps", var number, var name]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var run)
        && _state.FindMaps(run, name) is { } file
            ? new BoardAnswer("200 OK", "image/png", File.ReadAllBytes(file))
            : null;
}
