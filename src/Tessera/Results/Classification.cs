using Tessera.Framework.Models;

namespace Tessera.Results;

/// <summary>How probable a class is.</summary>
/// <param name="Index">Among the model's classes.</param>
/// <param name="Name">The class's name.</param>
/// <param name="Score">In [0, 1]: the scores of an image sum to 1, except where it may show several classes.</param>
public sealed record ClassScore(int Index, string Name, float Score);

/// <summary>Which class an image shows, or which.</summary>
public sealed record Classification : Result
{
    internal Classification(ClassPrediction raw, IReadOnlyList<string> names)
        : base(raw) =>
        Ranked = [.. raw.Scores.Select((score, c) => new ClassScore(c, names[c], score)).OrderByDescending(entry => entry.Score)];

    /// <summary>Every class, the most probable first.</summary>
    public IReadOnlyList<ClassScore> Ranked { get; }

    /// <summary>The most probable class.</summary>
    public ClassScore Best => Ranked[0];
}
