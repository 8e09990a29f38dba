using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.Browser;

/// <summary>A browser without a window, driven by its own protocol (Chrome DevTools): no package, no driver, no download.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _profile = Directory.CreateTempSubdirectory("tessera-chromium-").FullName;
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _waiting = new();
    private readonly ConcurrentBag<string> _faults = [];
    private readonly ConcurrentBag<string> _requests = [];
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _ended = new();
    private readonly Process _process;
    private TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;
    private int _ids;

    private Chromium(string program)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (
            var argument in (string[])
                [
                    "--headless=new",
                    "--no-sandbox", // tests run as root in containers; the pages are our own
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--remote-debugging-port=0",
                    $"--user-data-dir={_profile}",
                    "about:blank",
                ]
        )
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>Why there is no test in a browser here; null where there is. In CI it is never left out: there chromium must be
    /// installed.</summary>
    public static string? Missing { get; } =
        Environment.GetEnvironmentVariable("CI") is { Length: > 0 } and not "false" || Program is not null
            ? null
            : "chromium is not installed (Debian: chromium).";

    /// <summary>Errors of scripts, refusals by the page's policy and the like, since the page was opened.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    /// <summary>Addresses that were asked for since the page was opened, other than pictures within the page.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    private static string? Program =>
        (
            from name in (string[])["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
            from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            let path = Path.Combine(folder, name)
            where File.Exists(path)
            select path
        ).FirstOrDefault();

    public static async Task<Chromium> Start()
    {
        Assert.True(Program is not null, "chromium is not installed; .ci/run installs it.");
        var browser = new Chromium(Program!);
        try
        {
            await browser.Connect();
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a page, and waits until it is there.</summary>
    public async Task Open(string address)
    {
        _faults.Clear();
        _requests.Clear();
        _loaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Send("Page.navigate", new JsonObject { ["url"] = address });
        await _loaded.Task.WaitAsync(s_patience);
    }

    public Task OpenFile(string path) => Open(new Uri(Path.GetFullPath(path)).AbsoluteUri);

    public Task Size(int width, int height) =>
        Send(
            "Emulation.setDeviceMetricsOverride",
            new JsonObject
            {
                ["width"] = width,
                ["height"] = height,
                ["deviceScaleFactor"] = 1,
                ["mobile"] = false,
            }
        );

    /// <param name="scheme">light or dark.</param>
    /// <param name="media">screen or print.</param>
    public Task Appear(string scheme, string media = "screen") =>
        Send(
            "Emulation.setEmulatedMedia",
            new JsonObject
            {
                ["media"] = media,
                ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }),
            }
        );

    /// <summary>The value of an expression, as JSON; a promise is waited for.</summary>
    public async Task<JsonNode?> Evaluate(string expression)
    {
        var answer = await Send(
            "Runtime.evaluate",
            new JsonObject
            {
                ["expression"] = expression,
                ["returnByValue"] = true,
                ["awaitPromise"] = true,
            }
        );
        Assert.True(answer["exceptionDetails"] is null, answer["exceptionDetails"]?.ToJsonString());
        return answer["result"]!["value"];
    }

    /// <summary>Waits until an expression is true.</summary>
    public async Task Until(string expression)
    {
        for (var begun = Stopwatch.StartNew(); begun.Elapsed < s_patience; await Task.Delay(100))
            if ((bool?)await Evaluate($"!!({expression})") == true)
                return;
        Assert.Fail($"Never true: {expression}");
    }

    public async Task Click(string selector) =>
        await Evaluate($"document.querySelector({new JsonObject { ["s"] = selector }["s"]!.ToJsonString()}).click()");

    /// <summary>Presses at one place and lets go at another.</summary>
    public async Task Drag(double fromX, double fromY, double toX, double toY)
    {
        await Mouse("mouseMoved", fromX, fromY, 0);
        await Mouse("mousePressed", fromX, fromY, 1);
        await Mouse("mouseMoved", (fromX + toX) / 2, (fromY + toY) / 2, 1);
        await Mouse("mouseMoved", toX, toY, 1);
        await Mouse("mouseReleased", toX, toY, 0);
    }

    public async Task Key(string key)
    {
        foreach (var type in (string[])["keyDown", "keyUp"])
            await Send("Input.dispatchKeyEvent", new JsonObject { ["type"] = type, ["key"] = key });
    }

    /// <summary>The page as PNG, to be looked at.</summary>
    public async Task<byte[]> Picture()
    {
        var answer = await Send("Page.captureScreenshot", new JsonObject { ["format"] = "png", ["captureBeyondViewport"] = true });
        return Convert.FromBase64String((string)answer["data"]!);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        _socket.Dispose();
        _process.Dispose();
        _sending.Dispose();
        _ended.Dispose();
        for (var tries = 0; tries < 20 && Directory.Exists(_profile); tries++)
        {
            try
            {
                Directory.Delete(_profile, recursive: true);
            }
            catch (IOException)
            {
                await Task.Delay(100); // its last process still writes
            }
        }
    }

    private async Task Connect()
    {
        var file = Path.Combine(_profile, "DevToolsActivePort");
        for (var begun = Stopwatch.StartNew(); !File.Exists(file) || File.ReadAllLines(file).Length < 2; await Task.Delay(50))
        {
            Assert.False(_process.HasExited, "chromium ended at once.");
            Assert.True(begun.Elapsed < s_patience, "chromium does not answer.");
        }
        var port = File.ReadAllLines(file)[0];
        using var client = new HttpClient();
        var targets = JsonNode.Parse(await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/json")))!.AsArray();
        var page = targets.First(target => (string?)target!["type"] == "page")!;
        await _socket.ConnectAsync(new Uri((string)page["webSocketDebuggerUrl"]!), _ended.Token);
        _reading = Read();
        foreach (var domain in (string[])["Page", "Runtime", "Log", "Network"])
            await Send($"{domain}.enable");
    }

    private async Task Mouse(string type, double x, double y, int buttons) =>
        await Send(
            "Input.dispatchMouseEvent",
            new JsonObject
            {
                ["type"] = type,
                ["x"] = x,
                ["y"] = y,
                ["button"] = type == "mouseMoved" ? "none" : "left",
                ["buttons"] = buttons,
                ["clickCount"] = type == "mouseMoved" ? 0 : 1,
            }
        );

    private async Task<JsonNode> Send(string method, JsonObject? parameters = null)
    {
        var id = Interlocked.Increment(ref _ids);
        var answer = _waiting[id] = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new JsonObject
        {
            ["id"] = id,
            ["method"] = method,
            ["params"] = parameters ?? [],
        };
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, true, _ended.Token);
        }
        finally
        {
            _sending.Release();
        }
        return await answer.Task.WaitAsync(s_patience);
    }

    private async Task Read()
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (!_ended.IsCancellationRequested)
            {
                using var message = new MemoryStream();
                WebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer, _ended.Token);
                    message.Write(buffer, 0, part.Count);
                } while (!part.EndOfMessage);
                Take(JsonNode.Parse(message.ToArray())!);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException)
        {
            // the browser has ended
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"] is { } id && _waiting.TryRemove((int)id, out var answer))
        {
            if (message["error"] is { } error)
                answer.SetException(new InvalidOperationException(error.ToJsonString()));
            else
                answer.SetResult(message["result"]!.DeepClone());
            return;
        }
        var parameters = message["params"];
        switch ((string?)message["method"])
        {
            case "Page.loadEventFired":
                _loaded.TrySetResult();
                break;
            case "Runtime.exceptionThrown":
                _faults.Add(parameters!["exceptionDetails"]!.ToJsonString());
                break;
            case "Log.entryAdded" when (string?)parameters!["entry"]!["level"] is "error" or "warning":
                _faults.Add(parameters!["entry"]!["text"]!.ToJsonString());
                break;
            case "Runtime.consoleAPICalled" when (string?)parameters!["type"] is "error" or "warning":
                _faults.Add(parameters!["args"]!.ToJsonString());
                break;
            case "Network.requestWillBeSent"
                when (string)parameters!["request"]!["url"]! is var url && !url.StartsWith("data:", StringComparison.Ordinal):
                _requests.Add(url);
                break;
        }
    }
}

/// <summary>A test in a browser: left out where chromium is not installed, but not in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Chromium.Missing;
}

/// <summary>As <see cref="BrowserFactAttribute"/>, with cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public BrowserTheoryAttribute() => Skip = Chromium.Missing;
}
