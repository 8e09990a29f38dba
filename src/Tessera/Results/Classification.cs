using Tessera.Framework.Data;
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
    private const double UsualThreshold = 0.5;

    internal Classification(ClassPrediction raw, DataInfo data, IReadOnlyDictionary<string, double>? thresholds)
        : base(raw)
    {
        Ranked = [.. raw.Scores.Select((score, c) => new ClassScore(c, data.Classes[c], score)).OrderByDescending(entry => entry.Score)];
        Present =
            data.Task == DataTask.MultiLabel
                ? [.. Ranked.Where(entry => entry.Score >= (thresholds?.GetValueOrDefault(entry.Name, UsualThreshold) ?? UsualThreshold))]
                : [Best];
    }

    /// <summary>Every class, the most probable first.</summary>
    public IReadOnlyList<ClassScore> Ranked { get; }

    /// <summary>With several labels the classes that score enough: each at least the threshold that the checkpoint says (<see
    /// cref="Predictor.Thresholds"/>), or 0.5; otherwise the most probable class.</summary>
    public IReadOnlyList<ClassScore> Present { get; }

    /// <summary>Indices of the classes that are <see cref="Present"/>.</summary>
    /// <param name="thresholds">By class name; 0.5 for those without one.</param>
    public static IReadOnlySet<int> PresentIn(ClassPrediction raw, DataInfo data, IReadOnlyDictionary<string, double>? thresholds) =>
        new Classification(raw, data, thresholds).Present.Select(entry => entry.Index).ToHashSet();

    /// <summary>The most probable class.</summary>
    public ClassScore Best => Ranked[0];
}
