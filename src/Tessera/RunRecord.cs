using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;
using Tessera.Torch;

namespace Tessera;

/// <summary>Writes what a run leaves for whoever repeats it, or compares it with others.</summary>
internal static class RunRecord
{
    private const string DataRoot = "TESSERA_DATA_ROOT";

    private const long MostBytes = 64 << 20;

    private static readonly string[] s_variables = [DataRoot, "OMP_NUM_THREADS", "MKL_CBWR", "MKL_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG"];

    private static readonly JsonSerializerOptions s_format = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>Of a run that begins, or goes on.</summary>
    /// <param name="environment">As the log tells it.</param>
    /// <param name="command">How the run was started.</param>
    public static void Begin(
        Session session,
        string workDir,
        bool evaluates,
        IReadOnlyList<(string Name, string Value)> environment,
        string? command
    )
    {
        File.Delete(Path.Combine(workDir, RunResult.FileName));
        var facts = new RunFacts
        {
            Command = command,
            Config = session.Document.Path is { } path ? SourceLocation.Display(path) : null,
            Bases = [.. session.Document.Files.Skip(1).Select(SourceLocation.Display)],
            Changes =
            [
                .. ConfigChanges
                    .OverBases(session.Given)
                    .Select(change => new ConfigChange(change.Path, change.Before, change.Now, change.Where.ToString())),
            ],
            Directory = Directory.GetCurrentDirectory(),
            Seed = session.Options.Seed,
            Threads = Threads.Count,
            Train = Describe(session.Data[DataPart.Train], session.Options.Train!.Dataset.TypeName, workDir, "train_samples.txt"),
            Val = evaluates
                ? Describe(session.Data[DataPart.Val], session.Options.Val!.Dataset.TypeName, workDir, "val_samples.txt")
                : null,
            Environment = environment.GroupBy(line => line.Name).ToDictionary(lines => lines.Key, lines => lines.First().Value),
            Variables = s_variables.ToDictionary(name => name, name => VariableOf(session, name)),
        };
        Write(Path.Combine(workDir, RunFacts.FileName), facts);
    }

    /// <summary>Of a run that has ended.</summary>
    public static void End(Trainer trainer, string workDir, IReadOnlyDictionary<string, Metric> metrics, TimeSpan time)
    {
        var better = new Dictionary<string, string>();
        foreach (var name in trainer.Metrics.Keys.Where(name => name != Evaluator.LeftOutKey)) // no metric
            if (metrics.Values.Select(metric => metric.RuleOf(name)).FirstOrDefault(rule => rule is not null) is { } rule)
                better[name] = rule == MetricRule.Greater ? "greater" : "less";
        using var process = Process.GetCurrentProcess();
        var parameters = trainer.Model.parameters().ToArray();
        var result = new RunResult
        {
            Complete = trainer.StopReason != Trainer.Interrupted,
            Stopped = trainer.StopReason,
            Iteration = trainer.Progress.Iteration,
            Epochs = trainer.EpochsDone,
            EvaluatedAt = trainer.State.EvaluatedAt < 0 ? null : trainer.State.EvaluatedAt,
            Seconds = Math.Round(time.TotalSeconds, 2),
            Parameters = parameters.Sum(parameter => parameter.numel()),
            TrainedParameters = parameters.Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel()),
            PeakMemory = Math.Round(process.PeakWorkingSet64 / 1048576.0, 1),
            Metrics = trainer.Metrics.ToDictionary(value => value.Key, value => double.IsFinite(value.Value) ? value.Value : (double?)null),
            Better = better,
        };
        Write(Path.Combine(workDir, RunResult.FileName), result);
    }

    /// <summary>A data root of the command line stands in the run's config, where the variable would replace it.</summary>
    private static string? VariableOf(Session session, string name) =>
        name == DataRoot && session.Document.Merged["data_root"]?.Source == SourceLocation.CommandLine
            ? null
            : System.Environment.GetEnvironmentVariable(name);

    public static T? Read<T>(string path)
        where T : class
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
                return null;
            if (file.Length > MostBytes)
                throw new UserErrorException($"{path}: the file is larger than any that a run writes.");
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), s_format);
        }
        catch (JsonException error)
        {
            throw new UserErrorException(
                $"{path}:{(error.LineNumber ?? 0) + 1}\n  This is no file as a run writes it: {error.Message.Split(" Path:")[0]} Remove "
                    + "it, and resume the run: it is written again.",
                error
            );
        }
    }

    private static void Write<T>(string path, T value) => AtomicFile.WriteText(path, JsonSerializer.Serialize(value, s_format) + "\n");

    private static DataFacts Describe(Dataset dataset, string type, string workDir, string list)
    {
        var path = Path.Combine(workDir, list);
        var hasFiles = dataset.Count > 0 && NameOf(dataset, 0).HasFile;
        if (hasFiles)
            AtomicFile.Write(path, stream => WriteNames(dataset, stream));
        else
            File.Delete(path);
        return new DataFacts
        {
            Type = type,
            Samples = dataset.Count,
            List = hasFiles ? list : null,
        };
    }

    private static void WriteNames(Dataset dataset, Stream stream)
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        for (var i = 0; i < dataset.Count; i++)
            writer.Write(NameOf(dataset, i).Name.ReplaceLineEndings(" ") + "\n");
    }

    /// <summary>What can't be read is skipped or told by the loader, not here.</summary>
    private static (string Name, bool HasFile) NameOf(Dataset dataset, int index)
    {
        try
        {
            var sample = dataset.Get(index);
            return (sample.Name, sample.ReadFile is not null);
        }
        catch (UserErrorException error)
        {
            return ($"# {index}: {error.Message}", true);
        }
    }
}
