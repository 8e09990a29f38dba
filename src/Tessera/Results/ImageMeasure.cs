using Tessera.Framework.Models;

namespace Tessera.Results;

/// <summary>The number that a generative model gives an image: how real it looks, or how well its noise is found.</summary>
public sealed record ImageMeasure : Result
{
    internal ImageMeasure(ScorePrediction raw)
        : base(raw) => (Name, Value) = (raw.Name, raw.Value);

    /// <summary>What it is: "score", "noise_mse".</summary>
    public string Name { get; }

    /// <summary>The number.</summary>
    public double Value { get; }
}
