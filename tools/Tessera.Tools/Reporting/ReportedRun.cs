using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Running;
using Tessera.Predictions;
using Tessera.Tools.Logs;
using Tessera.Tools.Output;

namespace Tessera.Tools.Reporting;

/// <summary>All that is known of a run from its work dir. What can't be read is a problem that the page tells; the rest is shown.</summary>
internal sealed class ReportedRun : IDisposable
{
    private const long MostConfigBytes = 16 << 20;

    private readonly List<string> _problems = [];

    private ReportedRun(string folder, RunScalars scalars) => (Folder, Name, Scalars) = (folder, scalars.Name, scalars);

    /// <summary>As it was given.</summary>
    public string Folder { get; }

    /// <summary>Of the run, for people; several runs of a page have different ones.</summary>
    public string Name { get; private set; }

    public RunScalars Scalars { get; }

    public RunFacts? Facts { get; private init; }

    /// <summary>null: the run has not come to its end.</summary>
    public RunResult? Result { get; private init; }

    /// <summary>As the run saved it; null where it can't be read.</summary>
    public ConfigDocument? Config { get; private set; }

    public PredictionFile? Predictions { get; private set; }

    /// <summary>The config's data and metrics; null where they can't be had, which <see cref="NoSession"/> explains.</summary>
    public Session? Session { get; private set; }

    public string? NoSession { get; private set; }

    /// <summary>What could not be read, for the page and the console.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Notes that something can't be shown, and why.</summary>
    public void Miss(string problem) => _problems.Add(problem);

    /// <exception cref="UserErrorException">The folder is no work dir of one run, or its files are damaged.</exception>
    public static ReportedRun Open(string path, ReportSettings settings)
    {
        RequireOneRun(path);
        var scalars = LoadScalars(path);
        var run = new ReportedRun(path, scalars) { Facts = RunFacts.Read(path), Result = RunResult.Read(path) };
        try
        {
            if (scalars.BadLines > 0)
                run._problems.Add($"{Counted.Of(scalars.BadLines, "line")} of the log can't be read; the others are shown.");
            run.ReadConfig();
            run.ReadPredictions(settings.Part);
            run.OpenSession(settings);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Gives runs of one name as much of their paths as it takes to tell them apart.</summary>
    public static void Distinguish(IReadOnlyList<ReportedRun> runs)
    {
        if (runs.Select(run => run.Name).Distinct().Count() == runs.Count)
            return;
        foreach (var run in runs)
            run.Name = run.Folder.TrimEnd('/', '\\');
    }

    public void Dispose() => Session?.Dispose();

    private static void RequireOneRun(string path)
    {
        if (!Directory.Exists(path))
            throw ReportErrors.NoFolder(path);
        if (File.Exists(Path.Combine(path, WorkFolder.ConfigName)) || HasLog(path))
            return;
        var runs = Directory
            .EnumerateDirectories(path)
            .Where(folder => File.Exists(Path.Combine(folder, WorkFolder.ConfigName)) && HasLog(folder))
            .Order(StringComparer.Ordinal)
            .ToArray();
        throw runs.Length > 0 ? ReportErrors.SeveralRuns(path, runs) : ReportErrors.NoRun(path);
    }

    private static bool HasLog(string path) =>
        Directory.EnumerateDirectories(path).Any(folder => File.Exists(Path.Combine(folder, ScalarLog.FileName)));

    private static RunScalars LoadScalars(string path)
    {
        var logged = Directory
            .EnumerateDirectories(path)
            .Select(folder => new FileInfo(Path.Combine(folder, ScalarLog.FileName)))
            .Any(file => file is { Exists: true, Length: > 0 });
        return logged ? RunScalars.Load(path) : throw ReportErrors.NoScalars(path);
    }

    private void ReadConfig()
    {
        var path = Path.Combine(Folder, WorkFolder.ConfigName);
        try
        {
            if (!File.Exists(path))
                _problems.Add($"There is no {WorkFolder.ConfigName} in the work dir, so it is unknown what was trained.");
            else if (new FileInfo(path).Length > MostConfigBytes)
                _problems.Add($"{path} is larger than any config.");
            else
                Config = ConfigDocument.ReadSaved(File.ReadAllText(path), path);
        }
        catch (UserErrorException error)
        {
            _problems.Add($"The config can't be read. {error.Message}");
        }
    }

    private void ReadPredictions(string? part)
    {
        if (PredictionFolder.Find(Folder, part) is not { } file)
            return;
        try
        {
            Predictions = PredictionFile.Open(file);
        }
        catch (UserErrorException error)
        {
            _problems.Add($"The stored predictions can't be read. {error.Message}");
        }
    }

    private void OpenSession(ReportSettings settings)
    {
        if (Config is not { } config)
        {
            NoSession = "The run's config can't be read.";
            return;
        }
        if (!settings.LoadsPlugins && config.Merged["plugins"] is ConfigList { Count: > 0 } named)
        {
            NoSession = ReportErrors.Plugins(named.OfType<ConfigValue>().Select(plugin => plugin.Text));
            return;
        }
        try
        {
            Session = Session.Open(
                Path.Combine(Folder, WorkFolder.ConfigName),
                new SessionOptions { Overrides = settings.Overrides, Note = ToolConsole.Current.Note }
            );
        }
        catch (UserErrorException error)
        {
            NoSession = error.Message;
        }
    }
}
