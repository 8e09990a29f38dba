using Tessera.Framework.Models;

namespace Tessera.Framework.Hooks;

/// <summary>A loss was NaN or infinite.</summary>
internal sealed class NonFiniteLossException : Exception
{
    /// <summary>Found before the step: the model is as it was when the batch came.</summary>
    /// <param name="random">The random generator before the forward.</param>
    public NonFiniteLossException(Progress progress, byte[] random)
        : base(Heading(progress)) => (Progress, Random) = (progress, random);

    /// <summary>Found some steps later.</summary>
    public NonFiniteLossException(Progress progress, IReadOnlyList<string> files)
        : base($"{Heading(progress)}\n  Files of the batch: {Listed(files)}") => (Progress, FoundLate) = (progress, true);

    /// <summary>The same with what a look at its batch has shown.</summary>
    public NonFiniteLossException(NonFiniteLossException found, IEnumerable<string> lines)
        : base(string.Join("\n  ", lines.Prepend(Heading(found.Progress)))) => Progress = found.Progress;

    public Progress Progress { get; }

    /// <summary>The random generator before the batch's forward; empty where it isn't known.</summary>
    public byte[] Random { get; } = [];

    /// <summary>Whether the weights have changed since.</summary>
    public bool FoundLate { get; }

    /// <summary>The names of a batch's files, the first eight of them.</summary>
    public static string Listed(IReadOnlyList<string> files) =>
        files.Count <= 8 ? string.Join(", ", files) : $"{string.Join(", ", files.Take(8))} and {files.Count - 8} more";

    private static string Heading(Progress progress) =>
        $"The loss is not finite at iteration {progress.Iteration} (epoch {progress.Epoch}). The run stops; checkpoints that were "
        + "written before it are good.";
}
