using System.Text.Encodings.Web;
using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>Detections in COCO's format of results: a list of image_id, category_id, bbox (x, y, width, height) and score, with the
/// annotation file's ids; and, of a model of masks, segmentation as compressed run lengths.</summary>
public sealed class CocoResultWriter : IDisposable
{
    /// <summary>Run lengths as text have few characters that must be written otherwise.</summary>
    internal static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly DataInfo _data;
    private readonly Stream _stream;
    private readonly Utf8JsonWriter _json;

    /// <param name="stream">Where it is written; the caller's to close.</param>
    /// <param name="data">The classes.</param>
    public CocoResultWriter(Stream stream, DataInfo data)
    {
        (_data, _stream, _json) = (data, stream, new Utf8JsonWriter(stream, Format));
        _json.WriteStartArray();
    }

    /// <summary>What an image is called in a file of results.</summary>
    public static long IdOf(Sample sample) => sample.ImageId ?? sample.Index + 1;

    /// <summary>What a class is called in a file of results.</summary>
    public static long IdOf(DataInfo data, int label) => data.CategoryIds?[label] ?? label + 1;

    /// <exception cref="UserErrorException">The prediction is not of boxes, or one is not finite.</exception>
    public void Write(Sample sample, Prediction prediction)
    {
        var found = Require(sample, prediction);
        for (var i = 0; i < found.Labels.Length; i++)
        {
            Write(_json, _data, sample, found, i);
            _json.Flush();
            _stream.Write("\n"u8); // a line each: an error in the file can then name one
        }
    }

    /// <summary>Ends the list. Without it the file is none.</summary>
    public void Complete()
    {
        _json.WriteEndArray();
        _json.Flush();
        _stream.Write("\n"u8);
    }

    public void Dispose() => _json.Dispose();

    /// <summary>The boxes of a prediction, all of them finite.</summary>
    internal static DetectionPrediction Require(Sample sample, Prediction prediction)
    {
        if (prediction is not DetectionPrediction found)
            throw new UserErrorException($"{sample.Name}: the model predicts no boxes.");
        for (var i = 0; i < found.Labels.Length; i++)
        {
            var box = found.Corners.AsSpan(4 * i, 4);
            if (!float.IsFinite(box[0] + box[1] + box[2] + box[3] + found.Scores[i]))
                throw new UserErrorException($"{sample.Name}: detection {i} is not finite, which JSON has no number for.");
        }
        if (found.Masks is { } masks && masks.Count != found.Labels.Length)
            throw new UserErrorException($"{sample.Name}: the prediction has {masks.Count} masks for {found.Labels.Length} boxes.");
        return found;
    }

    /// <summary>One result, an object.</summary>
    internal static void Write(Utf8JsonWriter json, DataInfo data, Sample sample, DetectionPrediction found, int i)
    {
        var box = found.Corners.AsSpan(4 * i, 4);
        json.WriteStartObject();
        json.WriteNumber("image_id", IdOf(sample));
        json.WriteNumber("category_id", IdOf(data, found.Labels[i]));
        json.WriteStartArray("bbox");
        json.WriteNumberValue((double)box[0]); // in double precision, so that a reader's sums give back the corners
        json.WriteNumberValue((double)box[1]);
        json.WriteNumberValue((double)box[2] - box[0]);
        json.WriteNumberValue((double)box[3] - box[1]);
        json.WriteEndArray();
        json.WriteNumber("score", (double)found.Scores[i]);
        if (found.Masks is { } masks)
            CocoResultMask.Write(json, masks[i]);
        json.WriteEndObject();
    }
}
