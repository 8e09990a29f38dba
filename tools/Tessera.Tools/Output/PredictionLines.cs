using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Results;

namespace Tessera.Tools.Output;

/// <summary>Predictions as JSON lines, one for each sample.</summary>
/// <param name="thresholds">Of several labels: by class name, the score from which on it is predicted. Without: 0.5.</param>
internal sealed class PredictionLines(TextWriter writer, DataInfo data, IReadOnlyDictionary<string, double>? thresholds = null)
{
    private static readonly JsonSerializerOptions s_format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="truth">Where it is known; null for images without labels.</param>
    public void Write(string name, Prediction prediction, Sample? truth = null) =>
        writer.WriteLine(Line(name, prediction, truth).ToJsonString(s_format));

    private JsonObject Line(string name, Prediction prediction, Sample? truth)
    {
        var line = new JsonObject { ["name"] = name };
        switch (prediction)
        {
            case ClassPrediction classes when data.Task == DataTask.MultiLabel:
                if (truth?.Truth.MultiLabel is { } labels)
                    line["truth"] = Names(labels, 0);
                line["predicted"] = Predicted(classes);
                line["scores"] = Values(classes.Scores);
                break;
            case ClassPrediction classes:
                if (truth?.Truth.Label is { } label)
                    line["truth"] = data.Classes[label];
                line["predicted"] = data.Classes[classes.Label];
                line["scores"] = Values(classes.Scores);
                if (classes.Parts is { } parts)
                    line["parts"] = new JsonArray([.. parts.Chunk(4).Select(part => (JsonNode?)Corners(part))]);
                break;
            case ScorePrediction score:
                line[score.Name] = Value((float)score.Value);
                break;
            case RegressionPrediction regression:
                if (truth?.Truth.Targets is { } targets)
                    line["truth"] = Values(targets);
                line["predicted"] = Values(regression.Values);
                break;
            case DetectionPrediction found:
                line["boxes"] = new JsonArray([.. Enumerable.Range(0, found.Labels.Length).Select(JsonNode? (i) => Box(found, i))]);
                break;
            default:
                throw new InvalidOperationException($"Predictions of type {prediction.GetType().Name} have no line.");
        }
        return line;
    }

    private JsonObject Box(DetectionPrediction found, int i)
    {
        var box = new JsonObject
        {
            ["class"] = data.Classes[found.Labels[i]],
            ["score"] = Value(found.Scores[i]),
            ["corners"] = Corners(found.Corners.Skip(4 * i).Take(4)),
        };
        if (found.Masks?[i] is { } mask) // as COCO's results have it
        {
            var size = new JsonArray(mask.Height, mask.Width);
            box["segmentation"] = new JsonObject { ["size"] = size, ["counts"] = RunLengthText.Encode(mask) };
        }
        return box;
    }

    private JsonArray Predicted(ClassPrediction classes)
    {
        var present = Classification.PresentIn(classes, data, thresholds);
        return new([.. data.Classes.Where((_, c) => present.Contains(c)).Select(name => (JsonNode?)name)]);
    }

    private JsonArray Names(float[] scores, float above) =>
        new([.. data.Classes.Where((_, c) => scores[c] > above).Select(name => (JsonNode?)name)]);

    private JsonObject Values(float[] values)
    {
        var named = new JsonObject();
        for (var c = 0; c < values.Length; c++)
            named[data.Classes[c]] = Value(values[c]);
        return named;
    }

    // x1, y1, x2, y2.
    private static JsonArray Corners(IEnumerable<float> box) => new([.. box.Select(Value)]);

    private static JsonNode? Value(float value) => float.IsFinite(value) ? value : null;
}
