namespace Tessera.Framework.Hooks;

/// <summary>Where a run's values and its progress go: files, TensorBoard, the terminal.</summary>
public interface IRunOutput
{
    /// <summary>One row of values.</summary>
    /// <param name="kind">"train" or "val".</param>
    /// <param name="iteration">Optimizer steps done.</param>
    /// <param name="epoch">From 0.</param>
    /// <exception cref="UserErrorException">They can't be written.</exception>
    void Scalars(string kind, long iteration, int epoch, IReadOnlyDictionary<string, double> values);

    /// <summary>A picture, for those who look at the run while it trains.</summary>
    /// <param name="tag">What it is of, the same each time: "maps/cat.jpg".</param>
    /// <param name="iteration">Optimizer steps done.</param>
    /// <param name="png">An RGB PNG file.</param>
    /// <exception cref="UserErrorException">It can't be written.</exception>
    void Picture(string tag, long iteration, int height, int width, ReadOnlyMemory<byte> png);

    /// <summary>Moves the progress bar. Cheap: called in every iteration.</summary>
    void Progress(long iteration, long totalIterations);

    /// <summary>Figures for the bar and for the log.</summary>
    void Report(ProgressReport report);
}
