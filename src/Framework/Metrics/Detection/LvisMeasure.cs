using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>What <see cref="LvisApMetric"/> gathers and computes of one way to overlap: boxes or masks.</summary>
/// <param name="names">The classes.</param>
/// <param name="frequencies">How often each occurs.</param>
internal sealed class LvisMeasure(CocoIouType type, IReadOnlyList<string> names, IReadOnlyList<ClassFrequency> frequencies) : IGathers
{
    public const int MostDetections = 300;

    private static readonly (string Name, ClassFrequency Frequency)[] s_groups =
    [
        ("APr", ClassFrequency.Rare),
        ("APc", ClassFrequency.Common),
        ("APf", ClassFrequency.Frequent),
    ];

    /// <summary>The figures that are given for single classes.</summary>
    public static readonly string[] OfClasses = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR300"];

    private static readonly string[] s_figures = [.. OfClasses, "ARs", "ARm", "ARl"];

    private readonly GatheredMatches _gathered = new(names.Count);
    private readonly CocoMatcher _matcher = new(names.Count, most: MostDetections);

    /// <summary>What its values' names begin with.</summary>
    public string Prefix { get; } = type.ToString().ToLowerInvariant();

    public int Images => _gathered.Images;

    public void Process(DetectionPrediction prediction, Sample sample, BoxAnnotation truth)
    {
        var (boxes, scores, labels) = Truth.Detections(prediction, sample, names.Count);
        if (scores.Length > MostDetections) // of the image, whatever their classes; equal scores keep their order
        {
            prediction = prediction.Chosen([.. Enumerable.Range(0, scores.Length).OrderByDescending(d => scores[d]).Take(MostDetections)]);
            (boxes, scores, labels) = Truth.Detections(prediction, sample, names.Count);
        }
        var overlaps = Overlaps(prediction, boxes, truth, sample);
        // What has no area is neither asked for nor a mistake.
        int[] asked = [.. Enumerable.Range(0, truth.Count).Where(g => overlaps.SizeOfObject(g) > 0)];
        var whole = (Objects: truth.Count, Found: scores.Length);
        if (asked.Length < truth.Count)
            truth = truth.Chosen(asked);
        var judged = truth.VerifiedLabels is { } verified ? verified.Concat(truth.Labels).ToHashSet() : null;
        int[] kept =
        [
            .. Enumerable.Range(0, scores.Length).Where(d => judged?.Contains(labels[d]) != false && overlaps.SizeOfDetection(d) > 0),
        ];
        if (kept.Length < scores.Length)
        {
            prediction = prediction.Chosen(kept);
            (boxes, scores, labels) = Truth.Detections(prediction, sample, names.Count);
        }
        if (whole != (truth.Count, scores.Length))
            overlaps = Overlaps(prediction, boxes, truth, sample);
        var matches = _matcher.Match(overlaps, scores, labels, truth);
        foreach (var ofClass in matches.Where(ofClass => truth.NotExhaustiveLabels.Contains(ofClass.Label)))
            for (var d = 0; d < ofClass.Detections.Length; d++)
            {
                ref var match = ref ofClass.Detections[d];
                match = match with { Ignored = match.Ignored | ~match.Matched }; // it may lie on an object that has no box
            }
        _gathered.Add(sample.ImageId ?? sample.Index + 1, matches);
    }

    private ICocoOverlaps Overlaps(DetectionPrediction prediction, double[] boxes, BoxAnnotation truth, Sample sample) =>
        type == CocoIouType.Bbox
            ? new BoxOverlaps(boxes, truth)
            : new MaskOverlaps(prediction, truth, sample, boundary: false, $"LvisAp with the type {Prefix}");

    /// <summary>What was gathered, by class.</summary>
    public CocoClass[] Classes() => _gathered.Classes();

    /// <summary>Adds the values by their names.</summary>
    /// <param name="bootstrap">How often images are drawn anew; 0: no intervals.</param>
    public void AddValues(Dictionary<string, double> values, bool perClass, int bootstrap, long seed)
    {
        var classes = Classes();
        var figures = Array.ConvertAll(classes, Figures);
        foreach (var name in s_figures)
            values[$"{Prefix}/{name}"] = figures.Select(figure => figure[name]).MeanOfDefined();
        foreach (var (name, frequency) in s_groups)
            values[$"{Prefix}/{name}"] = figures
                .Where((_, c) => frequencies[c] == frequency)
                .Select(figure => figure["AP"])
                .MeanOfDefined();
        if (bootstrap > 0)
            _gathered.AddIntervals(values, Prefix, classes, bootstrap, seed);
        if (!perClass)
            return;
        for (var c = 0; c < classes.Length; c++)
            foreach (var name in OfClasses)
                values[$"{Prefix}/{name}/{names[c]}"] = figures[c][name];
    }

    /// <inheritdoc cref="IRedrawsImages.Redraws"/>
    public Func<int[], double>? Redraws(string name)
    {
        foreach (var (group, frequency) in s_groups)
            if (name == $"{Prefix}/{group}")
                return _gathered.Redraws(precision => precision.Average(), c => frequencies[c] == frequency);
        return _gathered.Redraws(Prefix, name);
    }

    public static Dictionary<string, double> Figures(CocoClass ofClass) =>
        new Dictionary<string, double>(ofClass.Precisions())
        {
            ["AR300"] = ofClass.Recall(0, MostDetections).Average(),
            ["ARs"] = ofClass.Recall(1, MostDetections).Average(),
            ["ARm"] = ofClass.Recall(2, MostDetections).Average(),
            ["ARl"] = ofClass.Recall(3, MostDetections).Average(),
        };

    public void Write(BinaryWriter writer) => _gathered.Write(writer);

    public void Read(BinaryReader reader) => _gathered.Read(reader);
}
