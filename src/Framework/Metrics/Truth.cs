using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>What metrics read from predictions and samples, with an error that names the sample where it isn't there.</summary>
internal static class Truth
{
    /// <summary>Before anything is evaluated: whether the data has what the metric compares with.</summary>
    public static void Require(DataInfo info, string metric, params DataTask[] tasks)
    {
        if (tasks.Contains(info.Task))
            return;
        var fitting = info.Task switch
        {
            DataTask.Classification => " For it there are Accuracy, PrecisionRecallF1, AveragePrecision, Auroc and ConfusionMatrix.",
            DataTask.MultiLabel => " For it there are AveragePrecision, Auroc and PrecisionRecallF1.",
            DataTask.Regression => " For it there is RegressionErrors.",
            DataTask.Segmentation => " For it there are MeanIoU and ConfusionMatrix.",
            DataTask.Detection => " For it there are CocoAp, LvisAp, OpenImagesAp, VocAp and ConfusionMatrix.",
            DataTask.Panoptic => " For it there is PanopticQuality.",
            _ => "",
        };
        throw new UserErrorException(
            $"The metric {metric} is for {string.Join(" and ", tasks.Select(TaskNames.Of))} data, "
                + $"the data is for {TaskNames.Of(info.Task)}.{fitting}"
        );
    }

    /// <summary>"the data has 3 classes, 0 to 2".</summary>
    public static string Range(int classes) => $"the data has {Counted.Of(classes, "class", "classes")}, 0 to {classes - 1}";

    public static int Label(Sample sample, int classes) =>
        sample.Truth.Label switch
        {
            null => throw new UserErrorException($"{sample.Name} has no class label, which the metric compares with."),
            int label when label < 0 || label >= classes => throw new UserErrorException(
                $"{sample.Name} is labelled {label}; {Range(classes)}."
            ),
            int label => label,
        };

    public static ClassPrediction Classes(Prediction prediction, Sample sample, int classes)
    {
        if (prediction is not ClassPrediction scores)
            throw new UserErrorException($"The model predicts {Describe(prediction)} for {sample.Name}; the metric compares classes.");
        return scores.Scores.Length == classes
            ? scores
            : throw new UserErrorException($"The model scores {scores.Scores.Length} classes; the data has {classes}.");
    }

    /// <summary>Whether each class is present, [classes]: from multi-hot labels where there are any, else from the one label.</summary>
    public static void MultiHot(Sample sample, Span<bool> present)
    {
        present.Clear();
        if (sample.Truth.MultiLabel is not { } labels)
        {
            present[Label(sample, present.Length)] = true;
            return;
        }
        if (labels.Length != present.Length)
            throw new UserErrorException($"{sample.Name} has labels for {labels.Length} classes; the data has {present.Length}.");
        for (var c = 0; c < present.Length; c++)
            present[c] = labels[c] >= 0.5f;
    }

    /// <summary>What was found, in x, y, width, height and double precision.</summary>
    public static (double[] Boxes, double[] Scores, int[] Labels) Detections(Prediction prediction, Sample sample, int classes)
    {
        if (prediction is not DetectionPrediction found)
            throw new UserErrorException($"The model predicts {Describe(prediction)} for {sample.Name}; the metric compares boxes.");
        var (boxes, scores) =
            found.Stated ?? (BoxGeometry.FromCorners(found.Corners), Array.ConvertAll(found.Scores, score => (double)score));
        for (var i = 0; i < scores.Length; i++)
        {
            if ((uint)found.Labels[i] >= (uint)classes)
                throw new UserErrorException($"{sample.Name}: detection {i} is of class {found.Labels[i]}; {Range(classes)}.");
            if (!double.IsFinite(scores[i]))
                throw new UserErrorException($"{sample.Name}: the score of detection {i} is {scores[i]}, so nothing can be ranked by it.");
            if (!BoxGeometry.IsFinite(boxes.AsSpan(4 * i, 4)))
                throw new UserErrorException($"{sample.Name}: the box of detection {i} is not finite.");
        }
        return (boxes, scores, found.Labels);
    }

    /// <summary>The objects that there are, on the original image; those that nothing can match too.</summary>
    public static BoxAnnotation Objects(Sample sample, int classes)
    {
        var truth =
            sample.Truth.BoxAnnotation?.WithUnusable()
            ?? OnOriginal(sample)
            ?? throw new UserErrorException(
                $"{sample.Name} has no boxes, which the metric compares with. Is the data set's task detection?"
            );
        for (var i = 0; i < truth.Count; i++)
        {
            if ((uint)truth.Labels[i] >= (uint)classes)
                throw new UserErrorException($"{sample.Name}: box {i} is labelled {truth.Labels[i]}; {Range(classes)}.");
            if (!BoxGeometry.IsFinite(truth.Boxes.AsSpan(4 * i, 4)))
                throw new UserErrorException($"{sample.Name}: the annotated box {i} is not finite.");
        }
        return truth;
    }

    /// <summary>A sample's boxes moved back to where they were before any transform; null where it has none.</summary>
    private static BoxAnnotation? OnOriginal(Sample sample)
    {
        if (sample.Truth.Boxes is not { } boxes)
            return null;
        if (sample.Geometry is not { Transform.IsIdentity: false } geometry || !Matrix3x2.Invert(geometry.Transform, out var back))
            return BoxAnnotation.Of(boxes);
        var corners = new float[boxes.Corners.Length];
        for (var i = 0; i < corners.Length; i += 4)
        {
            var first = Vector2.Transform(new Vector2(boxes.Corners[i], boxes.Corners[i + 1]), back);
            var second = Vector2.Transform(new Vector2(boxes.Corners[i + 2], boxes.Corners[i + 3]), back);
            var (low, high) = (Vector2.Min(first, second), Vector2.Max(first, second));
            (corners[i], corners[i + 1], corners[i + 2], corners[i + 3]) = (low.X, low.Y, high.X, high.Y);
        }
        return BoxAnnotation.Of(boxes with { Corners = corners });
    }

    private static string Describe(Prediction prediction) =>
        prediction switch
        {
            RegressionPrediction => "numbers",
            SegmentationPrediction => "a segmentation map",
            DetectionPrediction => "boxes",
            PanopticPrediction => "a panoptic map",
            _ => prediction.GetType().Name,
        };
}
