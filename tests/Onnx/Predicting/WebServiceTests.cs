using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Onnx.Export;

namespace Tessera.Tests.Onnx.Predicting;

/// <summary>The sample service answers a posted image, from either kind of file.</summary>
public sealed class WebServiceTests : IDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PostedImage_IsAnswered(bool onnx)
    {
        var model = Trained.Checkpoint(_folder, DataTask.Classification);
        if (onnx)
        {
            using var session = Trained.Open(model);
            OnnxExporter.Export(session, _folder.File("model.onnx"));
            model = _folder.File("model.onnx");
        }
        var program = Path.Combine(AppContext.BaseDirectory, "../../WebService/release/Tessera.Samples.WebService.dll");
        var start = new ProcessStartInfo("dotnet", [Path.GetFullPath(program), model, "--urls", "http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var address = await Address(process);
            using var client = new HttpClient { BaseAddress = new Uri(address) };
            using var picture = new ByteArrayContent(ImageCodec.EncodePng(Trained.Picture(60, 80)));
            using var answer = await client.PostAsync(new Uri("predict", UriKind.Relative), picture);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            using var found = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Equal(3, found.RootElement.GetArrayLength());
            Assert.Equal(1, found.RootElement.EnumerateArray().Sum(entry => entry.GetProperty("score").GetDouble()), 1e-4);

            using var text = new StringContent("no image");
            using var refused = await client.PostAsync(new Uri("predict", UriKind.Relative), text);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static async Task<string> Address(Process process)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
            if (line.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var at)
                return line[(at + Listening.Length)..].Trim() + "/";
        throw new InvalidOperationException("the service ended");
    }
}
