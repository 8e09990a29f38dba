namespace Tessera.Serving;

/// <summary>How a <see cref="PredictorPool"/> works.</summary>
public sealed record PredictorPoolOptions
{
    /// <summary>How each of its predictors works.</summary>
    public PredictorOptions Predictor { get; init; } = new();

    /// <summary>How many predictors there are, each with a model of its own in memory. The tensor library spreads one step over all of its
    /// threads, so on a CPU more than one pays where <c>threads</c> is set to a part of the cores.</summary>
    public int Predictors { get; init; } = 1;

    /// <summary>Images that are predicted in one step, at most.</summary>
    public int MostTogether { get; init; } = 8;

    /// <summary>How long an image waits for others to be predicted with. Zero: for none; those that wait already come along all the
    /// same.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Images that may wait, at most; further calls wait before their image is read.</summary>
    public int MostWaiting { get; init; } = 256;
}
