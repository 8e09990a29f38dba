using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>What <see cref="CocoApMetric"/> gathers and computes of one way to overlap: boxes, masks or boundaries.</summary>
/// <param name="names">The classes.</param>
internal sealed class CocoMeasure(CocoIouType type, IReadOnlyList<string> names) : IGathers
{
    private static readonly string[] s_figures = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"];

    private readonly GatheredMatches _gathered = new(names.Count);
    private readonly CocoMatcher _matcher = new(names.Count);

    /// <summary>What its values' names begin with.</summary>
    public string Prefix { get; } = type.ToString().ToLowerInvariant();

    public int Images => _gathered.Images;

    public void Process(Prediction prediction, Sample sample, BoxAnnotation truth)
    {
        var (boxes, scores, labels) = Truth.Detections(prediction, sample, names.Count);
        ICocoOverlaps overlaps =
            type == CocoIouType.Bbox
                ? new BoxOverlaps(boxes, truth)
                : new MaskOverlaps(
                    (DetectionPrediction)prediction,
                    truth,
                    sample,
                    boundary: type == CocoIouType.Boundary,
                    $"CocoAp with the type {Prefix}"
                );
        _gathered.Add(sample.ImageId ?? sample.Index + 1, _matcher.Match(overlaps, scores, labels, truth));
    }

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
        if (bootstrap > 0)
            _gathered.AddIntervals(values, Prefix, classes, bootstrap, seed);
        if (!perClass)
            return;
        for (var c = 0; c < classes.Length; c++)
            foreach (var name in CocoApReport.OfClasses)
                values[$"{Prefix}/{name}/{names[c]}"] = figures[c][name];
    }

    /// <inheritdoc cref="IRedrawsImages.Redraws"/>
    public Func<int[], double>? Redraws(string name) => _gathered.Redraws(Prefix, name);

    public static Dictionary<string, double> Figures(CocoClass ofClass) =>
        new Dictionary<string, double>(ofClass.Precisions())
        {
            ["AR1"] = ofClass.Recall(0, 1).Average(),
            ["AR10"] = ofClass.Recall(0, 10).Average(),
            ["AR100"] = ofClass.Recall(0, CocoMatcher.MostDetections).Average(),
            ["ARs"] = ofClass.Recall(1, CocoMatcher.MostDetections).Average(),
            ["ARm"] = ofClass.Recall(2, CocoMatcher.MostDetections).Average(),
            ["ARl"] = ofClass.Recall(3, CocoMatcher.MostDetections).Average(),
        };

    public void Write(BinaryWriter writer) => _gathered.Write(writer);

    public void Read(BinaryReader reader) => _gathered.Read(reader);
}
