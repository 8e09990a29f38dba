using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Analysis;

/// <param name="Iou">A box finds an object of its class that it overlaps at least by this.</param>
/// <param name="Background">A box that overlaps every object by at most this lies on nothing.</param>
/// <param name="MostBoxes">Of an image only so many boxes count, the best.</param>
public sealed record TideOptions(double Iou = 0.5, double Background = 0.1, int MostBoxes = 100);

/// <summary>
/// Sorts a detector's errors by kind and says what each kind costs: every box that counts as false gets one kind, and the average
/// precision is measured again with that kind alone put right.
/// </summary>
/// <remarks>
/// Bolya, Foley, Hays and Hoffman, "TIDE: A General Toolbox for Identifying Object Detection Errors", 2020, arXiv:2008.08115. The counts
/// and figures are those of the authors' tool (tidecv 1.0.1), including what its text doesn't say: boxes in regions that are not asked
/// for get a kind, too, though they don't count as false; an object that several errors keep boxes from belongs to the best of these
/// boxes, whatever their kinds.
/// </remarks>
/// <example><code>
/// var tide = new TideAnalysis(data);
/// foreach (var (sample, prediction) in evaluated)
///     tide.Add(sample, prediction);
/// Console.WriteLine(tide.Result().Gains[DetectionError.Localisation]);
/// </code></example>
public sealed class TideAnalysis
{
    private readonly IReadOnlyList<string> _names;
    private readonly TideOptions _options;
    private readonly List<TideScene> _scenes = [];

    /// <exception cref="UserErrorException">The data is not for detection.</exception>
    public TideAnalysis(DataInfo data, TideOptions? options = null)
    {
        Truth.Require(data, "TIDE", DataTask.Detection);
        (_names, _options) = (data.Classes, options ?? new TideOptions());
    }

    /// <summary>Takes in an image.</summary>
    /// <exception cref="UserErrorException">The prediction is not of boxes, or the sample has none.</exception>
    public void Add(Sample sample, Prediction prediction)
    {
        var (boxes, scores, labels) = Truth.Detections(prediction, sample, _names.Count);
        _scenes.Add(new TideScene(boxes, scores, labels, Truth.Objects(sample, _names.Count), _options));
    }

    /// <summary>Average precision with these kinds of errors put right, in [0, 1]: a misplaced or misnamed box finds its object, where it
    /// is the best that does, and otherwise goes; duplicates, boxes on nothing and boxes wrong in both ways go; a missed object is no
    /// longer asked for.</summary>
    public double ApWithout(params IReadOnlyCollection<DetectionError> mended) => Mean(Curves(mended));

    /// <summary>All figures of the images so far.</summary>
    public TideResult Result()
    {
        var plain = Curves([]);
        var ap = Mean(plain);
        var kinds = Enum.GetValues<DetectionError>();
        return new TideResult(
            ap,
            kinds.ToDictionary(kind => kind, kind => Count(kind, null)),
            kinds.ToDictionary(kind => kind, kind => Math.Max(0, ApWithout(kind) - ap)),
            Mean(plain.Select(curve => curve with { Points = [.. curve.Points.Select(point => (point.Right ? 1.0 : 0.0, point.Right))] }))
                - ap,
            Mean(Curves([], foundAlone: true)) - ap,
            [
                .. _names.Select(
                    (name, label) =>
                        new TideClass(
                            name,
                            plain[label].Objects,
                            plain[label].IsEmpty ? double.NaN : plain[label].Ap,
                            kinds.ToDictionary(kind => kind, kind => Count(kind, label))
                        )
                ),
            ],
            Confusions()
        );
    }

    private long Count(DetectionError kind, int? label) =>
        kind == DetectionError.Missed
            ? _scenes.Sum(scene => scene.Objects.LongCount(thing => thing.IsMissed && (label is null || thing.Label == label)))
            : _scenes.Sum(scene => scene.Boxes.LongCount(box => box.Error == kind && (label is null || box.Label == label)));

    private List<(int Truth, int Predicted, long Count)> Confusions() =>
        [
            .. _scenes
                .SelectMany(scene => scene.Boxes)
                .Where(box => box.Error == DetectionError.Classification)
                .GroupBy(box => (Truth: box.Meant!.Label, Predicted: box.Label))
                .Select(pair => (pair.Key.Truth, pair.Key.Predicted, pair.LongCount()))
                .OrderByDescending(pair => pair.Item3)
                .ThenBy(pair => (pair.Truth, pair.Predicted)),
        ];

    /// <summary>What a class's average precision is made of.</summary>
    private sealed record Curve(IReadOnlyList<(double Score, bool Right)> Points, long Objects)
    {
        public bool IsEmpty => Points.Count == 0 && Objects == 0;

        public double Ap => TideCurve.Ap(Points, Objects);
    }

    private static double Mean(IEnumerable<Curve> curves) =>
        curves.Where(curve => !curve.IsEmpty).Select(curve => curve.Ap).DefaultIfEmpty(double.NaN).Average();

    /// <summary>By class, boxes with errors first: that decides among equal scores.</summary>
    /// <param name="foundAlone">Objects that no box finds are not asked for.</param>
    private Curve[] Curves(IReadOnlyCollection<DetectionError> mended, bool foundAlone = false)
    {
        var points = _names.Select(_ => new List<(double, bool)>()).ToArray();
        var right = _names.Select(_ => new List<(double, bool)>()).ToArray();
        var objects = new long[_names.Count];
        var plain = mended.Count == 0 && !foundAlone;
        foreach (var scene in _scenes)
        {
            foreach (var thing in scene.Objects)
                if (!(foundAlone && !thing.Found) && !(thing.IsMissed && mended.Contains(DetectionError.Missed)))
                    objects[thing.Label]++;
            foreach (var box in scene.Boxes)
            {
                if (box.Verdict == TideVerdict.Right)
                    (plain ? points : right)[box.Label].Add((box.Score, true));
                else if (!mended.Contains(box.Error!.Value))
                {
                    if (box.Verdict == TideVerdict.Wrong)
                        points[box.Label].Add((box.Score, false));
                }
                else if (box.Meant is { } meant && ReferenceEquals(meant.Candidate, box))
                    points[meant.Label].Add((box.Score, true));
            }
        }
        return [.. _names.Select((_, label) => new Curve([.. points[label], .. right[label]], objects[label]))];
    }
}
