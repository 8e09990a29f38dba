using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>What overlaps are taken of.</summary>
public enum CocoIouType
{
    /// <summary>Boxes.</summary>
    Bbox,

    /// <summary>Instance masks.</summary>
    Segm,

    /// <summary>Instance masks, the lesser of their overlap and that of the pixels near their outlines.</summary>
    Boundary,
}

/// <param name="PerClass">Also give every class's values ("bbox/AP/cat", "bbox/AP50/cat" …), and a table of them.</param>
/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % intervals of AP and AP50; 0: no
/// intervals.</param>
/// <param name="Seed">Of the drawing.</param>
/// <param name="Types">What is measured, by default "bbox": boxes; "segm" is of instance masks, "boundary" of masks and their outlines.
/// Each has all values under its own name: "segm/AP" beside "bbox/AP".</param>
public sealed record CocoApOptions(
    bool PerClass = false,
    [property: Range(0, 1_000_000)] int Bootstrap = 1000,
    long Seed = 0,
    [property: Length(1, 3)] CocoIouType[]? Types = null
);

/// <summary>
/// Boxes as COCO measures them: "bbox/AP" over IoU 0.50 to 0.95, "bbox/AP50", "bbox/AP75", of small, medium and large objects
/// "bbox/APs", "bbox/APm", "bbox/APl", and the recall of an image's best 1, 10 and 100 detections, "bbox/AR1", "bbox/AR10",
/// "bbox/AR100", "bbox/ARs", "bbox/ARm", "bbox/ARl". With bootstrap "bbox/AP/low" and "bbox/AP/high", the 2.5 and 97.5
/// percentiles over images drawn anew, and the same of AP50. With the types "segm" and "boundary" the same of instance masks.
/// </summary>
/// <remarks>
/// Lin et al., "Microsoft COCO: Common Objects in Context", 2014, arXiv:1405.0312; the numbers are pycocotools', except that what
/// no object stands for is NaN instead of -1, that an annotation whose id is 0 can be found, and that objects marked difficult or
/// "ignore" are ignored as those out of the range of areas are (pycocotools passes over that mark). Objects without extent or
/// outside their image are asked for, though nothing can find them. Equal scores are ranked by image id, then in the order given.
/// A detected mask's size is the number of its pixels, as pycocotools has it for results without "bbox". Boundary AP: Cheng et al.,
/// "Boundary IoU", CVPR 2021, arXiv:2103.16562, as the authors measure COCO: 0.02 of the image's diagonal, of crowds the mask alone.
/// </remarks>
[Component("CocoAp")]
public sealed class CocoApMetric : Metric, IRedrawsImages
{
    private readonly CocoApOptions _options;
    private readonly CocoIouType[] _types;
    private readonly TruthCounts _truth = new();
    private IReadOnlyList<string> _names = [];
    private CocoMeasure[] _measures;

    public CocoApMetric(CocoApOptions options)
    {
        (_options, _types) = (options, options.Types ?? [CocoIouType.Bbox]);
        if (_types.Distinct().Count() < _types.Length)
            throw new UserErrorException("CocoAp: types names one twice.");
        _measures = Array.ConvertAll(_types, type => new CocoMeasure(type, _names));
    }

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "CocoAp", DataTask.Detection);
        _names = info.Classes;
        _measures = Array.ConvertAll(_types, type => new CocoMeasure(type, _names));
        _truth.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            var truth = Truth.Objects(samples[i], _names.Count);
            foreach (var measure in _measures)
                measure.Process(predictions[i], samples[i], truth);
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

    public override MetricReport Report() =>
        new CocoApReport(_names, _measures, _options.PerClass).Build(
            _truth.Notes(", where pycocotools asks for those of COCO's \"ignore\"")
        );

    public override byte[] Save() => DetectionState.Save(_truth, _measures);

    public override void Merge(ReadOnlySpan<byte> saved) => DetectionState.Merge(saved, _truth, _measures);
}
