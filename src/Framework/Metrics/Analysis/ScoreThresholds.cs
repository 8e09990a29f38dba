using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Analysis;

/// <summary>What a threshold gives: what scores at least that counts.</summary>
public sealed record ThresholdPoint(double Threshold, double Precision, double Recall)
{
    /// <summary>The harmonic mean of precision and recall.</summary>
    public double F1 => Precision + Recall == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);
}

/// <summary>The threshold of a class.</summary>
/// <param name="Name">The class.</param>
/// <param name="Objects">How often it is there.</param>
/// <param name="Chosen">null where the class is never there, or never found.</param>
/// <param name="Reached">Whether the precision that was asked for is reached; if not, the threshold has the greatest that is.</param>
/// <param name="Curve">A point for each score, the greatest first.</param>
public sealed record ClassThreshold(string Name, long Objects, ThresholdPoint? Chosen, bool Reached, IReadOnlyList<ThresholdPoint> Curve);

/// <summary>Chooses, class by class, the score from which on a box, or one of several labels, is believed.</summary>
/// <remarks>
/// Boxes are assigned to objects as COCO does at one overlap; the assignment of the better ones doesn't depend on those below. A threshold
/// lies halfway between the last score that counts and the first that doesn't, so that it holds for scores between them, too.
/// </remarks>
public sealed class ScoreThresholds
{
    private readonly DataInfo _data;
    private readonly CocoMatcher _matcher;
    private readonly List<(double Score, bool Right)>[] _points;
    private readonly long[] _objects;

    /// <param name="iou">The overlap from which on a box finds an object.</param>
    /// <exception cref="UserErrorException">The data is neither for detection nor for several labels.</exception>
    public ScoreThresholds(DataInfo data, double iou = 0.5)
    {
        if (data.Task is not (DataTask.Detection or DataTask.MultiLabel))
            throw new UserErrorException(
                $"The data is for {TaskNames.Of(data.Task)}; thresholds of scores are for detection and multi_label, "
                    + "where a class may be there or not."
            );
        (_data, _matcher) = (data, new CocoMatcher(data.Classes.Count, [iou]));
        (_points, _objects) = ([.. data.Classes.Select(_ => new List<(double, bool)>())], new long[data.Classes.Count]);
    }

    /// <summary>Takes in an image.</summary>
    public void Add(Sample sample, Prediction prediction)
    {
        if (_data.Task == DataTask.MultiLabel)
            AddLabels(sample, prediction);
        else
            AddBoxes(sample, prediction);
    }

    /// <summary>A threshold for each class, by index.</summary>
    public IReadOnlyList<ClassThreshold> Choose(ThresholdRule rule) =>
        [.. _data.Classes.Select((name, c) => Choose(name, _points[c], _objects[c], rule))];

    private void AddLabels(Sample sample, Prediction prediction)
    {
        var scores = Truth.Classes(prediction, sample, _data.Classes.Count).Scores;
        var present = new bool[scores.Length];
        Truth.MultiHot(sample, present);
        for (var c = 0; c < scores.Length; c++)
        {
            if (!float.IsFinite(scores[c]))
                continue;
            _points[c].Add((scores[c], present[c]));
            _objects[c] += present[c] ? 1 : 0;
        }
    }

    private void AddBoxes(Sample sample, Prediction prediction)
    {
        var (boxes, scores, labels) = Truth.Detections(prediction, sample, _data.Classes.Count);
        var truth = Truth.Objects(sample, _data.Classes.Count);
        foreach (var (label, objects, detections) in _matcher.Match(new BoxOverlaps(boxes, truth), scores, labels, truth))
        {
            const ulong first = 1;
            _objects[label] += objects[0];
            _points[label]
                .AddRange(
                    detections
                        .Where(detection => (detection.Ignored & first) == 0)
                        .Select(detection => (detection.Score, (detection.True & first) != 0))
                );
        }
    }

    private static ClassThreshold Choose(string name, List<(double Score, bool Right)> points, long objects, ThresholdRule rule)
    {
        var curve = Curve(points, objects);
        if (objects == 0 || curve.Count == 0)
            return new ClassThreshold(name, objects, null, false, curve);
        if (rule.Precision is not { } least)
            return new ClassThreshold(name, objects, curve.MaxBy(point => point.F1), true, curve);
        var chosen = curve.LastOrDefault(point => point.Precision >= least);
        return new ClassThreshold(name, objects, chosen ?? curve.MaxBy(point => point.Precision), chosen is not null, curve);
    }

    private static List<ThresholdPoint> Curve(List<(double Score, bool Right)> points, long objects)
    {
        var curve = new List<ThresholdPoint>();
        var sorted = points.OrderByDescending(point => point.Score).ToArray();
        var right = 0L;
        for (var i = 0; i < sorted.Length; i++)
        {
            right += sorted[i].Right ? 1 : 0;
            if (i + 1 < sorted.Length && sorted[i + 1].Score == sorted[i].Score)
                continue; // equal scores stand or fall together
            var threshold = i + 1 < sorted.Length ? (sorted[i].Score + sorted[i + 1].Score) / 2 : sorted[i].Score;
            curve.Add(new ThresholdPoint(threshold, (double)right / (i + 1), objects == 0 ? double.NaN : (double)right / objects));
        }
        return curve;
    }
}
