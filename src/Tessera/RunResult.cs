using Tessera.Framework.Errors;

namespace Tessera;

/// <summary>What a run came to: <c>result.json</c> of its work dir, written at its end. A run that begins or is resumed removes the
/// one that is there.</summary>
public sealed record RunResult
{
    /// <summary>The file's name.</summary>
    public const string FileName = "result.json";

    /// <summary>Whether the run came to the end that its config gives it; not where somebody interrupted it.</summary>
    public bool Complete { get; init; }

    /// <summary>What ended the run before its length, such as early stopping; null where nothing did.</summary>
    public string? Stopped { get; init; }

    /// <summary>Optimizer steps done.</summary>
    public long Iteration { get; init; }

    /// <summary>Epochs that are wholly done.</summary>
    public int Epochs { get; init; }

    /// <summary>Optimizer steps done when the last evaluation came to its end; null where there was none.</summary>
    public long? EvaluatedAt { get; init; }

    /// <summary>Time of the training since it was begun or resumed last, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>Numbers in the model's parameters.</summary>
    public long Parameters { get; init; }

    /// <summary>Of these, those that were trained at the end.</summary>
    public long TrainedParameters { get; init; }

    /// <summary>The most main memory that the process had, in MB (2^20 bytes); 0 where the system doesn't tell.</summary>
    public double PeakMemory { get; init; }

    /// <summary>The last evaluation's values; null where undefined.</summary>
    public IReadOnlyDictionary<string, double?> Metrics { get; init; } = new Dictionary<string, double?>();

    /// <summary>Of the values whose metric says so: whether more ("greater") or less ("less") is better.</summary>
    public IReadOnlyDictionary<string, string> Better { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads it from a work dir.</summary>
    /// <returns>null where there is none.</returns>
    /// <exception cref="UserErrorException">The file is damaged.</exception>
    public static RunResult? Read(string workDir) => RunRecord.Read<RunResult>(Path.Combine(workDir, FileName));
}
