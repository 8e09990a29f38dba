using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <param name="PerClass">Also give every class's values ("bbox/AP/cat" …), and a table of them.</param>
/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % intervals of AP and AP50; 0: no intervals.
/// LVIS has 20,000 images to measure with and up to 300 boxes in each: a thousand drawings take long.</param>
/// <param name="Seed">Of the drawing.</param>
/// <param name="Types">What is measured, by default "bbox": boxes; "segm" is of instance masks.</param>
public sealed record LvisApOptions(
    bool PerClass = false,
    [property: Range(0, 1_000_000)] int Bootstrap = 0,
    long Seed = 0,
    [property: Length(1, 2)] CocoIouType[]? Types = null
);

/// <summary>
/// Boxes and masks as LVIS measures them, where each image is annotated for some classes only: "bbox/AP" over IoU 0.50 to 0.95,
/// "bbox/AP50", "bbox/AP75", by size "bbox/APs", "bbox/APm", "bbox/APl", by frequency of the class "bbox/APr" (rare), "bbox/APc" (common),
/// "bbox/APf" (frequent), and the recall of an image's best 300 detections, "bbox/AR300", "bbox/ARs", "bbox/ARm", "bbox/ARl".
/// </summary>
/// <remarks>
/// Gupta, Dollár and Girshick, "LVIS: A Dataset for Large Vocabulary Instance Segmentation", CVPR 2019, arXiv:1908.03195; the numbers are
/// those of lvis-api, except that what no object stands for is NaN instead of -1. Of an image's detections of all classes the best 300
/// count. Detections of a class that is neither among the image's objects nor among those known to be absent
/// (<see cref="BoxAnnotation.VerifiedLabels"/>) count as nothing; so do those without an object where not every object of the class has
/// a box (<see cref="BoxAnnotation.NotExhaustiveLabels"/>). Objects and detections without area are left out.
/// </remarks>
[Component("LvisAp")]
public sealed class LvisApMetric : Metric, IRedrawsImages
{
    private readonly LvisApOptions _options;
    private readonly CocoIouType[] _types;
    private readonly TruthCounts _truth = new();
    private IReadOnlyList<string> _names = [];
    private LvisMeasure[] _measures;

    /// <exception cref="UserErrorException">A type comes twice, or is one that LVIS doesn't measure.</exception>
    public LvisApMetric(LvisApOptions options)
    {
        (_options, _types) = (options, options.Types ?? [CocoIouType.Bbox]);
        if (_types.Distinct().Count() < _types.Length)
            throw new UserErrorException("LvisAp: types names one twice.");
        if (_types.Contains(CocoIouType.Boundary))
            throw new UserErrorException("LvisAp: types may be \"bbox\" and \"segm\"; boundaries are measured by CocoAp alone.");
        _measures = Array.ConvertAll(_types, type => new LvisMeasure(type, [], []));
    }

    /// <exception cref="UserErrorException">The data is not for detection, or doesn't say how frequent its classes are.</exception>
    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "LvisAp", DataTask.Detection);
        if (info.Frequencies?.Count != info.Classes.Count)
            throw new UserErrorException(
                "LvisAp needs to know which classes are rare, common and frequent; LVIS's files say so (\"frequency\" of a category), and "
                    + "LvisDetection reads it. CocoAp measures data that doesn't."
            );
        _names = info.Classes;
        _measures = Array.ConvertAll(_types, type => new LvisMeasure(type, _names, info.Frequencies));
        _truth.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            var truth = Truth.Objects(samples[i], _names.Count);
            _ = Truth.Detections(predictions[i], samples[i], _names.Count); // or says what is wrong
            foreach (var measure in _measures)
                measure.Process((DetectionPrediction)predictions[i], samples[i], truth);
            _truth.Add(truth);
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute() => Values(_options.Bootstrap);

    public override IReadOnlyDictionary<string, double> ComputePoints() => Values(bootstrap: 0);

    Func<int[], double>? IRedrawsImages.Redraws(string name) =>
        _measures.Select(measure => measure.Redraws(name)).FirstOrDefault(redraw => redraw is not null);

    private Dictionary<string, double> Values(int bootstrap)
    {
        var values = new Dictionary<string, double>();
        foreach (var measure in _measures)
            measure.AddValues(values, _options.PerClass, bootstrap, _options.Seed);
        return values;
    }

    public override MetricReport Report()
    {
        if (_measures[0].Images == 0 && !_options.PerClass)
            return MetricReport.Empty;
        var absent = _measures[0].Classes().Count(ofClass => ofClass.Objects[0] == 0);
        string[] undefined =
            _measures[0].Images == 0 || absent == 0
                ? []
                : [$"{absent} of {_names.Count} classes have no object, so they are undefined (NaN) and left out of the means."];
        return new()
        {
            Tables = _options.PerClass ? [.. _measures.Select(Table)] : [],
            InTables = _options.PerClass
                ? _measures
                    .SelectMany(measure => _names.SelectMany(name => LvisMeasure.OfClasses.Select(of => $"{measure.Prefix}/{of}/{name}")))
                    .ToHashSet()
                : new HashSet<string>(),
            Notes = [.. undefined, .. _measures[0].Images > 0 ? _truth.Notes("") : []],
        };
    }

    private MetricTable Table(LvisMeasure measure)
    {
        var rows = measure
            .Classes()
            .Select(
                (ofClass, c) =>
                {
                    var (figures, absent) = (LvisMeasure.Figures(ofClass), ofClass.Objects[0] == 0);
                    return (IReadOnlyList<string>)
                        [
                            _names[c],
                            .. LvisMeasure.OfClasses.Select(name => Cells.Value(figures[name], absent)),
                            Cells.Count(ofClass.Objects[0]),
                        ];
                }
            );
        var title = _measures.Length == 1 ? "Per class" : $"Per class, {measure.Prefix}";
        return new MetricTable(title, ["class", .. LvisMeasure.OfClasses, "objects"], [.. rows]);
    }

    public override byte[] Save() => DetectionState.Save(_truth, _measures);

    public override void Merge(ReadOnlySpan<byte> saved) => DetectionState.Merge(saved, _truth, _measures);
}
