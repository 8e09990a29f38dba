namespace Tessera.Framework.Logging;

/// <summary>
/// Everything a run says: NLog to the console and to <c>&lt;time&gt;/&lt;time&gt;.log</c>, values to
/// <c>&lt;time&gt;/scalars.jsonl</c> and to TensorBoard event files, progress to the terminal. Ranks other than 0 write nothing.
/// </summary>
public sealed class RunLog : IDisposable
{
    private RunLog(string folder) => Folder = folder;

    /// <summary><c>work_dir/&lt;time&gt;</c>.</summary>
    public string Folder { get; }

    /// <param name="resumeFrom">Optimizer steps done at the checkpoint that the run continues from; rows after it are cut from every log of the work dir. null for a fresh run.</param>
    /// <param name="writes">False for ranks other than 0.</param>
    public static RunLog Start(string workDir, long? resumeFrom = null, bool writes = true) => throw new NotSupportedException(workDir);

    /// <summary>Only the console, for tools without a work dir.</summary>
    public static void ToConsole() => throw new NotSupportedException();

    /// <summary>One row of scalars.jsonl, and the same values to TensorBoard.</summary>
    /// <param name="iteration">Optimizer steps done.</param>
    /// <param name="kind">"train" or "val".</param>
    public void Scalars(string kind, long iteration, int epoch, IReadOnlyDictionary<string, double> values) => throw new NotSupportedException();

    /// <summary>Moves the bar; does nothing where the output is piped. Cheap: call it every iteration.</summary>
    public void Progress(long iteration, long totalIterations) => throw new NotSupportedException();

    /// <summary>Figures for the bar and, as one line, for the log (and for the console where the output is piped).</summary>
    public void Report(ProgressReport report) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}

/// <param name="Iteration">Optimizer steps done.</param>
/// <param name="Epoch">From 0.</param>
/// <param name="ImagesPerSecond">Since the last report.</param>
/// <param name="DataWait">Share of the time that was spent waiting for data, in [0, 1].</param>
/// <param name="DeviceMemory">Bytes at most on the device; null on a CPU.</param>
/// <param name="Values">Losses, learning rate.</param>
public sealed record ProgressReport(
    long Iteration, long TotalIterations, int Epoch, int TotalEpochs, double ImagesPerSecond, double DataWait, long? DeviceMemory,
    IReadOnlyDictionary<string, double> Values);
