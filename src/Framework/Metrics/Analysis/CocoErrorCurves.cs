using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Analysis;

/// <summary>
/// Precision over recall with one kind of error after another forgiven, for all objects and for small, medium and large ones.
/// </summary>
/// <remarks>
/// Hoiem, Chodpathumwan and Dai, "Diagnosing Error in Object Detectors", 2012, as COCO's evaluation site defines the steps. Similar classes
/// are those of one group; without groups Sim equals Loc. A class without objects (of a size) has no curve and doesn't count in the mean.
/// </remarks>
public sealed class CocoErrorCurves
{
    /// <summary>Points of a curve: recalls 0, 0.01 … 1.</summary>
    public const int Points = CocoClass.RecallPoints;

    private const int Low = 0; // positions in s_thresholds

    private static readonly double[] s_thresholds = [0.1, 0.5, 0.75];

    private readonly IReadOnlyList<string> _names;
    private readonly int[] _groups;
    private readonly CocoMatcher _matcher;
    private readonly List<(long Id, ClassMatches[] Own, ClassMatches[] Similar, ClassMatches[] Others)> _images = [];

    /// <param name="groups">Indices of classes that are similar to each other; classes in none are similar to no other.</param>
    /// <exception cref="UserErrorException">The data is not for detection.</exception>
    public CocoErrorCurves(DataInfo data, IReadOnlyList<IReadOnlyList<int>>? groups = null)
    {
        Truth.Require(data, "COCO's error curves", DataTask.Detection);
        _names = data.Classes;
        _matcher = new CocoMatcher(_names.Count, s_thresholds);
        _groups = [.. Enumerable.Range(0, _names.Count).Select(c => -1 - c)];
        for (var group = 0; group < groups?.Count; group++)
            foreach (var label in groups[group])
                _groups[label] = group;
    }

    /// <summary>The ranges of areas, in the order of the curves.</summary>
    public static IReadOnlyList<string> Areas { get; } = ["all", "small", "medium", "large"];

    /// <summary>Takes in an image.</summary>
    /// <exception cref="UserErrorException">The prediction is not of boxes, or the sample has none.</exception>
    public void Add(Sample sample, Prediction prediction)
    {
        var (boxes, scores, labels) = Truth.Detections(prediction, sample, _names.Count);
        var truth = Truth.Objects(sample, _names.Count);
        var found = new ByClass(labels, _names.Count);
        int[] present = [.. labels.Concat(truth.Labels).Distinct().Order()];
        _images.Add(
            (
                sample.ImageId ?? sample.Index + 1,
                Matches((own, other) => own == other),
                Matches((own, other) => _groups[own] == _groups[other]),
                Matches((_, _) => true)
            )
        );

        ClassMatches[] Matches(Func<int, int, bool> inScope) => Array.ConvertAll(present, label => Match(label, inScope));

        ClassMatches Match(int label, Func<int, int, bool> inScope)
        {
            var detections = found.Falling(label, scores);
            int[] objects = [.. Enumerable.Range(0, truth.Count).Where(g => inScope(label, truth.Labels[g]))];
            var excused = truth with { Crowd = [.. truth.Crowd.Select((crowd, g) => crowd || truth.Labels[g] != label)] };
            return _matcher.OfClass(
                label,
                detections[..Math.Min(detections.Length, CocoMatcher.MostDetections)],
                objects,
                new BoxOverlaps(boxes, excused),
                scores,
                excused
            );
        }
    }

    /// <summary>A class's curves.</summary>
    /// <param name="area">Position in <see cref="Areas"/>.</param>
    /// <returns>Precisions at <see cref="Points"/> recalls for each step; null where no object of that size is asked for.</returns>
    public IReadOnlyDictionary<CocoErrorStep, double[]>? OfClass(int label, int area)
    {
        _images.Sort((a, b) => a.Id.CompareTo(b.Id));
        var own = Class(image => image.Own);
        if (own.Curve(area, Low) is not { } loc)
            return null;
        var others = Class(image => image.Others).Curve(area, Low)!;
        return new Dictionary<CocoErrorStep, double[]>
        {
            [CocoErrorStep.C75] = own.Curve(area, Low + 2)!,
            [CocoErrorStep.C50] = own.Curve(area, Low + 1)!,
            [CocoErrorStep.Loc] = loc,
            [CocoErrorStep.Sim] = Class(image => image.Similar).Curve(area, Low)!,
            [CocoErrorStep.Oth] = others,
            [CocoErrorStep.BG] = Array.ConvertAll(others, precision => precision > 0 ? 1.0 : 0),
            [CocoErrorStep.FN] = [.. Enumerable.Repeat(1.0, Points)],
        };

        CocoClass Class(Func<(long Id, ClassMatches[] Own, ClassMatches[] Similar, ClassMatches[] Others), ClassMatches[]> of) =>
            new([.. _images.SelectMany((image, i) => of(image).Where(match => match.Label == label).Select(match => (i, match)))]);
    }

    /// <summary>The mean of the curves of all classes that have any; null where none has.</summary>
    public IReadOnlyDictionary<CocoErrorStep, double[]>? Mean(int area)
    {
        var curves = Enumerable
            .Range(0, _names.Count)
            .Select(label => OfClass(label, area))
            .OfType<IReadOnlyDictionary<CocoErrorStep, double[]>>();
        IReadOnlyDictionary<CocoErrorStep, double[]>[] all = [.. curves];
        return all.Length == 0
            ? null
            : Enum.GetValues<CocoErrorStep>()
                .ToDictionary(
                    step => step,
                    step => (double[])[.. Enumerable.Range(0, Points).Select(r => all.Average(curve => curve[step][r]))]
                );
    }
}
