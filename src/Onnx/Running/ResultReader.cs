using Microsoft.ML.OnnxRuntime;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Suppression;
using Tessera.Onnx.Format;

namespace Tessera.Onnx.Running;

/// <summary>What a file gives, as a prediction of one image.</summary>
/// <param name="scoreThr">Boxes must score more.</param>
internal sealed class ResultReader(FileFacts facts, double? scoreThr)
{
    /// <param name="results">In the order of the file's outputs.</param>
    /// <param name="size">Of the network's input.</param>
    public Prediction Read(IReadOnlyList<OrtValue> results, Sample sample, (int Height, int Width) size) =>
        facts.Data.Task switch
        {
            DataTask.Segmentation => Map(results[0], sample, size),
            DataTask.Detection => Boxes(results, sample, size),
            DataTask.Regression => Numbers(results[0]),
            _ => Scores(results[0]),
        };

    private ClassPrediction Scores(OrtValue result)
    {
        var values = result.GetTensorDataAsSpan<float>().ToArray();
        var finite = values.All(float.IsFinite);
        if (!facts.Postprocessing)
            values = facts.Data.Task == DataTask.MultiLabel ? Array.ConvertAll(values, Sigmoid) : Softmax(values);
        return new ClassPrediction(values, Array.IndexOf(values, values.Max())) { OutputIsFinite = finite };
    }

    private static float Sigmoid(float value) => (float)(1 / (1 + Math.Exp(-(double)value)));

    private static float[] Softmax(float[] logits)
    {
        var most = logits.Max();
        var parts = Array.ConvertAll(logits, logit => Math.Exp((double)logit - most));
        var sum = parts.Sum();
        return Array.ConvertAll(parts, part => (float)(part / sum));
    }

    private static RegressionPrediction Numbers(OrtValue result)
    {
        var values = result.GetTensorDataAsSpan<float>().ToArray();
        return new RegressionPrediction(values) { OutputIsFinite = values.All(float.IsFinite) };
    }

    private SegmentationPrediction Map(OrtValue result, Sample sample, (int Height, int Width) size)
    {
        var geometry = sample.Geometry ?? Geometry.Original(size.Height, size.Width);
        if (facts.Postprocessing)
            return new SegmentationPrediction(
                MapReading.Nearest(result.GetTensorDataAsSpan<int>(), size, geometry, facts.Data.Classes.Count)
            );
        var shape = result.GetTensorTypeAndShape().Shape;
        var logits = result.GetTensorDataAsSpan<float>();
        var finite = true;
        foreach (var logit in logits)
            finite &= float.IsFinite(logit);
        return new SegmentationPrediction(
            MapReading.Classes(logits, ((int)shape[1], (int)shape[2], (int)shape[3]), size, geometry, facts.AlignCorners)
        )
        {
            OutputIsFinite = finite,
        };
    }

    private DetectionPrediction Boxes(IReadOnlyList<OrtValue> results, Sample sample, (int Height, int Width) size)
    {
        var corners = results[0].GetTensorDataAsSpan<float>();
        var scores = results[1].GetTensorDataAsSpan<float>();
        var labels = results[2].GetTensorDataAsSpan<long>();
        var count = 0;
        while (count < scores.Length && labels[count] >= 0 && !(scores[count] <= scoreThr))
            count++;
        var found = new Candidates(
            corners[..(count * 4)].ToArray(),
            scores[..count].ToArray(),
            [.. labels[..count].ToArray().Select(label => (int)label)]
        );
        var original = ImageFrame.ToOriginal(found, sample, size, -1);
        return new DetectionPrediction(original.Corners, original.Scores, original.Labels);
    }
}
