using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>How a curve of precision over recall becomes one number.</summary>
public enum VocApMode
{
    /// <summary>The area under the falling envelope, as VOC has it from 2010 on.</summary>
    Area,

    /// <summary>The mean of the envelope at recalls 0, 0.1 … 1, as VOC had it up to 2009.</summary>
    ElevenPoint,
}

/// <param name="Mode">The area under the curve (VOC 2010 and later), or the mean of 11 points (VOC 2007).</param>
/// <param name="IouThreshold">The least overlap of a detection with the object that it finds.</param>
/// <param name="PerClass">Also give every class's values ("voc/AP/cat", "voc/recall/cat"), and a table of them.</param>
/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % interval; 0: no interval.</param>
/// <param name="Seed">Of the drawing.</param>
public sealed record VocApOptions(
    VocApMode Mode = VocApMode.Area,
    [property: Range(0.01, 1.0)] double IouThreshold = 0.5,
    bool PerClass = false,
    [property: Range(0, 1_000_000)] int Bootstrap = 1000,
    long Seed = 0
);

/// <summary>
/// Boxes as Pascal VOC measures them: "voc/mAP", the mean over classes of the average precision, and "voc/recall". Difficult objects
/// are neither asked for nor a mistake. With bootstrap "voc/mAP/low" and "voc/mAP/high", the 2.5 and 97.5 percentiles over images drawn
/// anew.
/// </summary>
/// <remarks>
/// Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010. A detection belongs to the object that it overlaps
/// most, found already or not: the second on an object is wrong even if another lies near. Departs from the development kit in
/// that a box from x1 to x2 is x2 - x1 wide, not one pixel more. A class without objects is NaN and left out of the mean.
/// </remarks>
[Component("VocAp")]
public sealed class VocApMetric(VocApOptions options) : Metric, IRedrawsImages
{
    private readonly TruthCounts _truth = new();
    private VocMeasure _measure = Measure([], options);

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "VocAp", DataTask.Detection);
        _measure = Measure(info.Classes, options);
        _truth.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        var classes = _measure.Names.Count;
        for (var i = 0; i < samples.Count; i++)
        {
            var (boxes, scores, labels) = Truth.Detections(predictions[i], samples[i], classes);
            var truth = Truth.Objects(samples[i], classes);
            _truth.Add(truth);
            _measure.Add(samples[i], VocMatches.Of(boxes, scores, labels, truth, classes, options.IouThreshold));
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute() => _measure.Values(options.PerClass, options.Bootstrap, options.Seed);

    public override IReadOnlyDictionary<string, double> ComputePoints() => _measure.Values(options.PerClass, rounds: 0, options.Seed);

    Func<int[], double>? IRedrawsImages.Redraws(string name) => _measure.Redraws(name);

    public override MetricReport Report() => _measure.Report(options.PerClass, _truth.Notes(""));

    public override byte[] Save() => DetectionState.Save(_truth, _measure);

    public override void Merge(ReadOnlySpan<byte> saved) => DetectionState.Merge(saved, _truth, _measure);

    private static VocMeasure Measure(IReadOnlyList<string> names, VocApOptions options) => new("voc", names, options.Mode);
}
