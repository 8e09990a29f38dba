using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Tessera.Tests.Tools.Output;
using Tessera.Tools.Boards;

namespace Tessera.Tests.Tools.Browser;

/// <summary>Runs that are shown while they train.</summary>
public sealed class BoardTests : IDisposable
{
    private static readonly byte[] s_png = TestPng();

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-board-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task State_FollowsTheRuns_AndSaysWhetherItChanged()
    {
        Log("a", Row(10, 3));
        await using var server = BoardServer.Start(new BoardState([_folder]), 0);
        using var client = new HttpClient { BaseAddress = server.Address };
        var first = await client.GetAsync(new Uri("state", UriKind.Relative));
        Assert.Equal(10, (int)(await State(first))["runs"]![0]!["iteration"]!);
        Assert.Equal("running", (string)(await State(first))["runs"]![0]!["state"]!);

        using var again = new HttpRequestMessage(HttpMethod.Get, "state");
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await client.SendAsync(again)).StatusCode);

        Log("a", Row(20, 2));
        Log("b", Row(10, 5));
        var next = await State(await client.GetAsync(new Uri("state", UriKind.Relative)));
        Assert.Equal([20, 10], next["runs"]!.AsArray().Select(run => (int)run!["iteration"]!));
        Assert.Equal(["a", "b"], next["charts"]![0]!["series"]!.AsArray().Select(series => (string)series!["name"]!));
        Assert.Equal([3.0, 2.0], next["charts"]![0]!["series"]![0]!["y"]!.AsArray().Select(y => (double)y!));
    }

    [Theory]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("127.0.0.1", HttpStatusCode.OK)]
    [InlineData("board.example.org", HttpStatusCode.Forbidden)]
    [InlineData("localhost.example.org", HttpStatusCode.Forbidden)]
    [InlineData("192.168.0.1", HttpStatusCode.Forbidden)]
    public async Task Host_MustBeThisMachine(string host, HttpStatusCode expected)
    {
        Log("a", Row(10, 3));
        await using var server = BoardServer.Start(new BoardState([_folder]), 0);
        using var client = new HttpClient();
        foreach (var path in (string[])["", "state"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Address, path));
            request.Headers.Host = $"{host}:{server.Port}";
            Assert.Equal(expected, (await client.SendAsync(request)).StatusCode);
        }
    }

    [Fact]
    public async Task NothingOutsideTheRuns_IsServed()
    {
        Log("a", Row(10, 3));
        var maps = Directory.CreateDirectory(Path.Combine(_folder, "a", "maps")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(maps, "epoch_0001.png"), s_png);
        var secret = Path.Combine(_folder, "secret.png");
        await File.WriteAllBytesAsync(secret, s_png);
        File.CreateSymbolicLink(Path.Combine(maps, "epoch_0002.png"), secret);
        await using var server = BoardServer.Start(new BoardState([Path.Combine(_folder, "a")]), 0);
        using var client = new HttpClient();
        async Task<HttpStatusCode> Get(string path) =>
            (
                await client.GetAsync(
                    new Uri(
                        $"http://127.0.0.1:{server.Port}/{path}",
                        new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }
                    )
                )
            ).StatusCode;
        Assert.Equal(HttpStatusCode.OK, await Get("maps/0/epoch_0001.png"));
        foreach (
            var path in (string[])
                [
                    "maps/0/epoch_0002.png", // a link out of the work dir
                    "maps/0/epoch_0003.png",
                    "maps/1/epoch_0001.png",
                    "maps/-1/epoch_0001.png",
                    "maps/0/../../../secret.png",
                    "maps/0/..%2f..%2f..%2fsecret.png",
                    "maps/0/config.json",
                    "a/maps/epoch_0001.png",
                    "etc/passwd",
                    "../secret.png",
                    "secret.png",
                ]
        )
            Assert.True(await Get(path) is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, path);
        using var post = new StringContent("x");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.PostAsync(server.Address, post)).StatusCode);
    }

    [Fact]
    public void DamagedRun_IsTold_AndTheOthersAreShown()
    {
        Log("a", Row(10, 3));
        Log("b", "no row at all");
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "c")).FullName, "config.json"), "{}");
        File.WriteAllText(Path.Combine(_folder, "c", "run.json"), "{}");
        var state = JsonNode.Parse(new BoardState([_folder]).Look().Json)!;
        Assert.Equal(["a", "b", "c"], state["runs"]!.AsArray().Select(run => (string)run!["name"]!));
        Assert.Contains("none of its lines", (string)state["runs"]![1]!["problem"]!, StringComparison.Ordinal);
        Assert.Equal("nothing logged yet", (string)state["runs"]![2]!["state"]!);
    }

    [Fact]
    public async Task TakenPort_IsOneMessage()
    {
        Log("a", Row(10, 3));
        await using var server = BoardServer.Start(new BoardState([_folder]), 0);
        var error = Assert.Throws<Framework.Errors.UserErrorException>(() => BoardServer.Start(new BoardState([_folder]), server.Port));
        Assert.Contains($"Port {server.Port}", error.Message, StringComparison.Ordinal);
    }

    [BrowserFact]
    public async Task Page_RenewsItself()
    {
        Log("a", Row(10, 3));
        await using var server = BoardServer.Start(new BoardState([_folder]), 0);
        await using var browser = await Chromium.Start();
        await browser.Size(1280, 900);
        await browser.Open(server.Address.AbsoluteUri);
        await browser.Until("document.querySelectorAll('#runs tbody tr').length === 1");
        Log("a", Row(20, 2), Row(30, 1.5));
        Log("<img src=x onerror=alert(1)>", Row(10, 4));
        await browser.Until("document.querySelectorAll('#runs tbody tr').length === 2 && document.body.innerText.includes('30')");
        Assert.Equal(1, (int)(await browser.Evaluate("performance.getEntriesByType('navigation').length"))!);
        foreach (var scheme in (string[])["light", "dark"])
        {
            await browser.Appear(scheme);
            await PageChecks.IsReadable(browser, 20);
        }
        await browser.Size(390, 800);
        await PageChecks.FitsItsWidth(browser);
        Assert.Empty(browser.Faults);
        Assert.All(browser.Requests, address => Assert.StartsWith(server.Address.AbsoluteUri, address, StringComparison.Ordinal));
    }

    [UnixFact]
    public void Tool_SaysWhereItListens_UntilItIsTold()
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Tessera.Tools.dll"), "board", _folder, "--port", "0"]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var note = process.StandardError.ReadToEndAsync();
        var said = process.StandardOutput.ReadLine() + "\n"; // it listens
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
            kill.WaitForExit();
        said += process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        WholeOutput.OfGoodRun("board", new Said(process.ExitCode, said, note.Result), _folder);
    }

    private static async Task<JsonNode> State(HttpResponseMessage answer) => JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;

    private static string Row(int iteration, double loss) =>
        FormattableString.Invariant($$"""{"kind":"train","iteration":{{iteration}},"epoch":0,"loss":{{loss}},"lr":0.1}""");

    private static byte[] TestPng() => Datasets.Images.ImageCodec.EncodePng(new Framework.Data.Image(4, 4, 3));

    private void Log(string run, params string[] rows)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, run, "20260101_000000")).FullName;
        File.AppendAllLines(Path.Combine(folder, "scalars.jsonl"), rows);
    }
}
