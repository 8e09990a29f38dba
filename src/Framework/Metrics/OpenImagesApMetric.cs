using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <param name="IouThreshold">The least overlap of a detection with the object that it finds.</param>
/// <param name="IoaThreshold">The least part of a detection's area that lies in the group it finds.</param>
/// <param name="UseGroupOf">A box around a group (IsGroupOf; a crowd) is found by any detection within it, and found once. Otherwise it is
/// an object as any other.</param>
/// <param name="GetSupercategory">Objects and detections also count for every class above their own in the data's hierarchy.</param>
/// <param name="FilterLabels">Detections of classes that nobody looked for in an image count as nothing; otherwise as mistakes.</param>
/// <param name="PerClass">Also give every class's values ("openimages/AP/Cat", "openimages/recall/Cat"), and a table of them.</param>
/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % interval; 0: no interval.</param>
/// <param name="Seed">Of the drawing.</param>
public sealed record OpenImagesApOptions(
    [property: Range(0.01, 1.0)] double IouThreshold = 0.5,
    [property: Range(0.01, 1.0)] double IoaThreshold = 0.5,
    bool UseGroupOf = true,
    bool GetSupercategory = true,
    bool FilterLabels = true,
    bool PerClass = false,
    [property: Range(0, 1_000_000)] int Bootstrap = 0,
    long Seed = 0
);

/// <summary>
/// Boxes as Open Images measures them: "openimages/mAP", the mean over classes of the average precision at IoU 0.5, and
/// "openimages/recall". Boxes around groups are found by detections within them, objects and detections count for the classes above
/// their own too, and classes that nobody looked for in an image are left out of it.
/// </summary>
/// <remarks>
/// Kuznetsova et al., "The Open Images Dataset V4", IJCV 2020, arXiv:1811.00982, and storage.googleapis.com/openimages/web/evaluation.html;
/// the numbers are those of MMDetection's OpenImagesMetric in double precision. A detection first looks for a single object as in
/// <see cref="VocApMetric"/>; where it finds none, it may find a group. A class without objects is NaN and left out of the mean. Equal
/// scores are ranked by image, then in their order.
/// </remarks>
[Component("OpenImagesAp")]
public sealed class OpenImagesApMetric(OpenImagesApOptions options) : Metric, IRedrawsImages
{
    private readonly TruthCounts _truth = new();
    private VocMeasure _measure = Measure([]);
    private KindsOfClasses _kinds = new(null);

    /// <exception cref="UserErrorException">The data is not for detection, or has no hierarchy of classes where one is asked
    /// for.</exception>
    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "OpenImagesAp", DataTask.Detection);
        if (options.GetSupercategory && info.Ancestors is null)
            throw new UserErrorException(
                "OpenImagesAp counts objects for the classes above their own, but the data names no hierarchy. Give the data set its "
                    + "\"hierarchy\" (of OpenImagesDetection), or the metric \"get_supercategory\": false."
            );
        _measure = Measure(info.Classes);
        _kinds = new(options.GetSupercategory ? info.Ancestors : null);
        _truth.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        var classes = _measure.Names.Count;
        for (var i = 0; i < samples.Count; i++)
        {
            var (boxes, scores, found) = Truth.Detections(predictions[i], samples[i], classes);
            var annotated = Truth.Objects(samples[i], classes);
            _truth.Add(annotated);
            var truth = _kinds.WithAncestors(options.UseGroupOf ? annotated : Ungrouped(annotated));
            var judged = truth.VerifiedLabels is { } verified
                ? verified.Concat(truth.Labels).ToHashSet()
                : Enumerable.Range(0, classes).ToHashSet();
            var (indices, labels) = _kinds.Judged(found, judged, all: !options.FilterLabels);
            var matches = VocMatches.Of(
                [.. indices.SelectMany(d => new ArraySegment<double>(boxes, 4 * d, 4))],
                [.. indices.Select(d => scores[d])],
                labels,
                truth,
                classes,
                options.IouThreshold,
                options.UseGroupOf ? options.IoaThreshold : null
            );
            _measure.Add(samples[i], matches);
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute() => _measure.Values(options.PerClass, options.Bootstrap, options.Seed);

    public override IReadOnlyDictionary<string, double> ComputePoints() => _measure.Values(options.PerClass, rounds: 0, options.Seed);

    Func<int[], double>? IRedrawsImages.Redraws(string name) => _measure.Redraws(name);

    public override MetricReport Report() => _measure.Report(options.PerClass, _truth.Notes(""));

    public override byte[] Save() => DetectionState.Save(_truth, _measure);

    public override void Merge(ReadOnlySpan<byte> saved) => DetectionState.Merge(saved, _truth, _measure);

    private static VocMeasure Measure(IReadOnlyList<string> names) => new("openimages", names, VocApMode.Area);

    /// <summary>The same with boxes around groups as objects like any other.</summary>
    private static BoxAnnotation Ungrouped(BoxAnnotation truth) =>
        truth with
        {
            Crowd = new bool[truth.Count],
            Ignored = [.. truth.Ignored.Select((ignored, g) => ignored && !truth.Crowd[g])],
        };
}
