using System.Diagnostics;
using Tessera.Framework.Configuration;

namespace Tessera.Tools.Experiments;

/// <summary>A training in a process of its own, by the same program as tools/train. What it says goes into a file of the run's
/// folder.</summary>
internal sealed class ChildRun : IDisposable
{
    private readonly Lock _writing = new();
    private readonly Process _process;
    private readonly StreamWriter _console;
    private readonly List<string> _errors = [];
    private volatile string _last = "";

    private ChildRun(Process process, StreamWriter console) => (_process, _console) = (process, console);

    /// <summary>What it said last.</summary>
    public string LastLine => _last;

    /// <summary>Starts the training of a prepared run, or goes on with it.</summary>
    /// <param name="folder">The run's.</param>
    /// <param name="more">Further arguments of tools/train.</param>
    /// <param name="change">Changes to how the process is started.</param>
    public static ChildRun Start(string config, string folder, IEnumerable<string> more, Action<ProcessStartInfo>? change = null)
    {
        var start = ToolProcessStart.Of(["train", config, "--work-dir", folder, ParentWatch.OptionName, .. more]);
        change?.Invoke(start);
        var console = new StreamWriter(Path.Combine(folder, ExperimentFolder.ConsoleName), append: true) { AutoFlush = true };
        try
        {
            var child = new ChildRun(new Process { StartInfo = start }, console);
            child._process.OutputDataReceived += (_, line) => child.Hear(line.Data, isError: false);
            child._process.ErrorDataReceived += (_, line) => child.Hear(line.Data, isError: true);
            child._process.Start();
            child._process.BeginOutputReadLine();
            child._process.BeginErrorReadLine();
            return child;
        }
        catch
        {
            console.Dispose();
            throw;
        }
    }

    /// <summary>Where a config's data root comes from the command line, the environment of the training has none of its own.</summary>
    public static void KeepDataRoot(ProcessStartInfo start, ConfigDocument config)
    {
        if (config.Merged["data_root"]?.Source == SourceLocation.CommandLine)
            start.Environment.Remove("TESSERA_DATA_ROOT");
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>Its exit code, and the first thing that it complained of.</returns>
    public (int Code, string Complaint) Wait()
    {
        _process.WaitForExit(); // what it said has arrived then, too
        lock (_writing)
            return (_process.ExitCode, string.Join("\n", _errors));
    }

    /// <summary>Lets it end after its present iteration, with everything saved.</summary>
    public void Stop()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (Exception error) when (error is IOException or InvalidOperationException) { } // it has ended already
    }

    /// <summary>Ends it at once.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException) { } // it has ended already
    }

    public void Dispose()
    {
        _process.Dispose();
        lock (_writing)
            _console.Dispose();
    }

    private void Hear(string? line, bool isError)
    {
        const int mostErrors = 6;
        if (line is null)
            return;
        if (line.Length > 0)
            _last = line;
        lock (_writing)
        {
            if (isError && _errors.Count < mostErrors)
                _errors.Add(line);
            try
            {
                _console.WriteLine(line);
            }
            catch (ObjectDisposedException) { } // what comes after the end
        }
    }
}
