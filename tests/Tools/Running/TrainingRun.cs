using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Tessera.Framework.Checkpoints;

namespace Tessera.Tests.Tools.Running;

/// <summary>tools/train in processes of its own, on a small config in a temporary folder.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly StringBuilder _output = new();

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-run-").FullName;

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public string Write(string name, string config)
    {
        File.WriteAllText(At(name), config);
        return At(name);
    }

    /// <summary>Starts a process; the caller waits for it or kills it.</summary>
    public Process Start(
        string config,
        string workDir,
        bool resume = false,
        IReadOnlyDictionary<string, string>? environment = null,
        params string[] more
    )
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in Command(config, workDir, resume, more))
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return Start(start);
    }

    /// <summary>Starts several processes that train together; the one returned is mpirun.</summary>
    public Process StartTogether(int processes, string config, string workDir, bool resume = false, params string[] more) =>
        Start(Mpirun.Start(processes, Command(config, workDir, resume, more)));

    /// <summary>What follows "dotnet".</summary>
    public static string[] Command(string config, string workDir, bool resume = false, params string[] more) =>
        [
            Path.Combine(AppContext.BaseDirectory, "Tessera.Tools.dll"),
            "train",
            config,
            "--work-dir",
            workDir,
            "--device",
            "cpu",
            .. resume ? (string[])["--resume"] : [],
            .. more,
        ];

    public Process Start(ProcessStartInfo start)
    {
        start.WorkingDirectory = Folder;
        var process = Process.Start(start)!;
        lock (_output)
            _output.Clear();
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>What was said since the last process was started.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public void Finish(Process process)
    {
        if (!process.WaitForExit(TimeSpan.FromMinutes(5)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The run did not end in 5 minutes.\n{Output}");
        }
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, Output);
    }

    /// <summary>Rows of the newest scalars.jsonl by iteration: the losses, exactly as written. All folders' rows together.</summary>
    public static SortedDictionary<long, string> Losses(string workDir, string kind = "train", string value = "loss")
    {
        var losses = new SortedDictionary<long, string>();
        foreach (var file in Directory.EnumerateFiles(workDir, "scalars.jsonl", SearchOption.AllDirectories))
        {
            foreach (var line in File.ReadLines(file))
            {
                using var row = JsonDocument.Parse(line);
                if (row.RootElement.GetProperty("kind").GetString() != kind)
                    continue;
                var iteration = row.RootElement.GetProperty("iteration").GetInt64();
                Assert.True(
                    losses.TryAdd(iteration, row.RootElement.GetProperty(value).GetRawText()),
                    FormattableString.Invariant($"iteration {iteration} is in the log twice")
                );
            }
        }
        return losses;
    }

    /// <summary>Every tensor of a checkpoint as bytes, the part that starts with a prefix.</summary>
    public static SortedDictionary<string, byte[]> Tensors(string path, string prefix = "")
    {
        using var checkpoint = Checkpoint.Open(path);
        var tensors = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var name in checkpoint.Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            using var tensor = checkpoint.Read(name);
            tensors.Add(name, tensor.bytes.ToArray());
        }
        return tensors;
    }

    private void Hear(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }

    public void Dispose() => Directory.Delete(Folder, true);
}
