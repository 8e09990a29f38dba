using System.Globalization;
using System.Text;
using Tessera.Framework.Logging;

namespace Tessera.Framework.Hooks;

/// <param name="Iteration">Optimizer steps done.</param>
/// <param name="Epoch">From 0.</param>
/// <param name="ImagesPerSecond">Since the last report.</param>
/// <param name="DataWait">Share of the time that was spent waiting for data, in [0, 1].</param>
/// <param name="DeviceMemory">Bytes at most on the device; null on a CPU, where the process's own are shown.</param>
/// <param name="Values">Losses, learning rate.</param>
public sealed record ProgressReport(
    long Iteration,
    long TotalIterations,
    int Epoch,
    int TotalEpochs,
    double ImagesPerSecond,
    double DataWait,
    long? DeviceMemory,
    IReadOnlyDictionary<string, double> Values
)
{
    /// <summary>The report as one line: <c>epoch 2/30  iter 150/2340  loss 0.8123  lr 0.05  312 img/s  data 3 %  memory 1.2 GB  eta
    /// 0:12:03</c>.</summary>
    /// <param name="remaining">null where nothing is known yet.</param>
    public string ToLine(TimeSpan? remaining)
    {
        var line = new StringBuilder();
        line.Append(
            CultureInfo.InvariantCulture,
            $"epoch {Math.Min(Epoch + 1, TotalEpochs)}/{TotalEpochs}  iter {Iteration}/{TotalIterations}"
        );
        AppendFigures(line, remaining);
        return line.ToString();
    }

    /// <summary>The same without the counts, for beside a bar.</summary>
    public string ToFigures(TimeSpan? remaining) => AppendFigures(new StringBuilder(), remaining).ToString().TrimStart();

    private StringBuilder AppendFigures(StringBuilder line, TimeSpan? remaining)
    {
        var invariant = CultureInfo.InvariantCulture;
        foreach (var (name, value) in Values)
            line.Append(invariant, $"  {name} {Number(value)}");
        line.Append(invariant, $"  {ImagesPerSecond:0.#} img/s  data {DataWait * 100:0} %");
        var memory = (DeviceMemory ?? Environment.WorkingSet) / 1e9;
        line.Append(invariant, $"  memory {memory:0.0} GB");
        if (remaining is { } left)
            line.Append(invariant, $"  eta {(long)left.TotalHours}:{left.Minutes:00}:{left.Seconds:00}");
        return line;
    }

    /// <summary>Four significant digits; small ones as 5e-05.</summary>
    internal static string Number(double value) =>
        value.ToString(Math.Abs(value) is > 1e-4 and < 1e5 or 0 ? "0.####" : "0.###e+00", CultureInfo.InvariantCulture);
}
