using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Tools.Evaluation;

/// <summary>Detections in COCO's format of results: a list of image_id, category_id, bbox (x, y, width, height) and score, with the
/// annotation file's ids.</summary>
internal sealed class CocoResultWriter : IDisposable
{
    private readonly DataInfo _data;
    private readonly Stream _stream;
    private readonly Utf8JsonWriter _json;

    public CocoResultWriter(Stream stream, DataInfo data)
    {
        (_data, _stream, _json) = (data, stream, new Utf8JsonWriter(stream));
        _json.WriteStartArray();
    }

    /// <summary>What an image is called in a file of results.</summary>
    public static long IdOf(Sample sample) => sample.ImageId ?? sample.Index + 1;

    public static long IdOf(DataInfo data, int label) => data.CategoryIds?[label] ?? label + 1;

    public void Write(Sample sample, Prediction prediction)
    {
        if (prediction is not DetectionPrediction found)
            throw new UserErrorException($"{sample.Name}: the model predicts no boxes.");
        for (var i = 0; i < found.Labels.Length; i++)
        {
            var box = found.Corners.AsSpan(4 * i, 4);
            if (!float.IsFinite(box[0] + box[1] + box[2] + box[3] + found.Scores[i]))
                throw new UserErrorException($"{sample.Name}: detection {i} is not finite, which JSON has no number for.");
            _json.WriteStartObject();
            _json.WriteNumber("image_id", IdOf(sample));
            _json.WriteNumber("category_id", IdOf(_data, found.Labels[i]));
            _json.WriteStartArray("bbox");
            _json.WriteNumberValue((double)box[0]); // in double precision, so that a reader's sums give back the corners
            _json.WriteNumberValue((double)box[1]);
            _json.WriteNumberValue((double)box[2] - box[0]);
            _json.WriteNumberValue((double)box[3] - box[1]);
            _json.WriteEndArray();
            _json.WriteNumber("score", (double)found.Scores[i]);
            _json.WriteEndObject();
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
}
