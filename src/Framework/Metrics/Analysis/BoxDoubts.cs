using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Analysis;

/// <summary>What may be wrong with an annotated box, or with there being none.</summary>
public enum BoxDoubtKind
{
    /// <summary>The model is sure of an object where none is annotated.</summary>
    NotAnnotated,

    /// <summary>The model finds the object and is sure that it is of another class.</summary>
    OtherClass,

    /// <summary>The model finds nothing where an object is annotated.</summary>
    NeverFound,
}

/// <summary>A doubtful annotation.</summary>
/// <param name="Given">The label; null where no box is annotated.</param>
/// <param name="Suggested">What the model says; null where it says nothing.</param>
/// <param name="Box">x, y, width, height: the annotated box, or the model's where there is none.</param>
/// <param name="Certainty">From 0 to 1.</param>
public sealed record BoxDoubt(BoxDoubtKind Kind, int? Given, int? Suggested, double[] Box, double Certainty);

/// <param name="Sure">A box is believed from this score on.</param>
/// <param name="Iou">A box lies on an object that it overlaps at least by this.</param>
/// <param name="Background">A box lies on no object where it overlaps each by at most this.</param>
public sealed record BoxDoubtOptions(double Sure = 0.5, double Iou = 0.5, double Background = 0.3);

/// <summary>Finds wrong boxes by the predictions of a detector that did not learn them by heart.</summary>
/// <remarks>
/// Three rules, no published method. Not annotated: a box that scores enough and lies on no object of any class; the certainty is
/// its score. Other class: on an object lies a box of another class that scores enough, and none of its own class scores as much; the
/// difference of the two scores. Never found: no box of any class that scores a tenth of that lies on the object, nor near it; 1 less
/// the best score that does.
/// </remarks>
public static class BoxDoubts
{
    private const double Faint = 0.1;

    /// <summary>The doubtful annotations of an image.</summary>
    /// <param name="classes">How many.</param>
    public static IReadOnlyList<BoxDoubt> Find(Sample sample, Prediction prediction, int classes, BoxDoubtOptions? options = null)
    {
        options ??= new BoxDoubtOptions();
        var (boxes, scores, labels) = Truth.Detections(prediction, sample, classes);
        var truth = Truth.Objects(sample, classes);
        var ious = new double[labels.Length, truth.Count];
        for (var d = 0; d < labels.Length; d++)
        for (var g = 0; g < truth.Count; g++)
            ious[d, g] = BoxGeometry.IoU(boxes.AsSpan(4 * d, 4), truth.Boxes.AsSpan(4 * g, 4), truth.Crowd[g]);
        return
        [
            .. NotAnnotated(boxes, scores, labels, ious, options),
            .. Enumerable
                .Range(0, truth.Count)
                .Where(g => !truth.Crowd[g] && !truth.Ignored[g])
                .Select(g => OfObject(g, truth, scores, labels, ious, options))
                .OfType<BoxDoubt>(),
        ];
    }

    private static IEnumerable<BoxDoubt> NotAnnotated(
        double[] boxes,
        double[] scores,
        int[] labels,
        double[,] ious,
        BoxDoubtOptions options
    )
    {
        var told = new List<double[]>();
        foreach (var d in Enumerable.Range(0, labels.Length).OrderByDescending(d => scores[d]))
        {
            var box = boxes[(4 * d)..(4 * (d + 1))];
            if (
                scores[d] < options.Sure
                || Enumerable.Range(0, ious.GetLength(1)).Any(g => ious[d, g] > options.Background)
                || told.Exists(other => BoxGeometry.IoU(box, other) > options.Background) // the same object once more
            )
                continue;
            told.Add(box);
            yield return new BoxDoubt(BoxDoubtKind.NotAnnotated, null, labels[d], box, scores[d]);
        }
    }

    private static BoxDoubt? OfObject(int g, BoxAnnotation truth, double[] scores, int[] labels, double[,] ious, BoxDoubtOptions options)
    {
        var box = truth.Boxes[(4 * g)..(4 * (g + 1))];
        var label = truth.Labels[g];
        int[] on = [.. Enumerable.Range(0, labels.Length).Where(d => ious[d, g] >= options.Iou)];
        var own = on.Where(d => labels[d] == label).Select(d => scores[d]).DefaultIfEmpty(0).Max();
        var other = on.Where(d => labels[d] != label).OrderByDescending(d => scores[d]).Select(d => (int?)d).FirstOrDefault();
        if (other is { } best && scores[best] >= options.Sure && scores[best] > own)
            return new BoxDoubt(BoxDoubtKind.OtherClass, label, labels[best], box, scores[best] - own);
        var near = Enumerable
            .Range(0, labels.Length)
            .Where(d => ious[d, g] > options.Background)
            .Select(d => scores[d])
            .DefaultIfEmpty(0)
            .Max();
        return near < Faint * options.Sure ? new BoxDoubt(BoxDoubtKind.NeverFound, label, null, box, 1 - near) : null;
    }
}
