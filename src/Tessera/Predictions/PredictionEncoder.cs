using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Predictions;

/// <summary>What is written of one image.</summary>
/// <param name="Index">Its position in the data set.</param>
/// <param name="Line">Its line, without the end.</param>
/// <param name="Beside">Of boxes COCO's results, a line for each; of a map, a panoptic one included, its PNG; otherwise empty.</param>
internal sealed record EncodedPrediction(long Index, byte[] Line, byte[] Beside);

/// <summary>Brings predictions into the form that files have. Not for several threads.</summary>
/// <param name="dataRoot">The config's, which images are named below.</param>
internal sealed class PredictionEncoder(DataInfo data, string? dataRoot)
{
    private static readonly JsonWriterOptions s_format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly ArrayBufferWriter<byte> _beside = new();
    private readonly byte[] _palette = data.Task == DataTask.Segmentation ? ClassColors.PaletteBytes(ClassColors.Of(data)) : [];

    /// <exception cref="UserErrorException">The prediction is not of the data's task, or a box is not finite.</exception>
    public EncodedPrediction Encode(Sample sample, Prediction prediction)
    {
        _line.ResetWrittenCount();
        _beside.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_line, s_format))
        {
            json.WriteStartObject();
            json.WriteString(PredictionKeys.Image, ImageNaming.Relative(sample.Name, dataRoot));
            json.WriteNumber(PredictionKeys.Index, sample.Index);
            json.WriteString(PredictionKeys.Hash, TruthHash.Of(sample, data));
            if (!prediction.OutputIsFinite)
                json.WriteBoolean(PredictionKeys.Finite, false);
            Write(json, sample, prediction);
            json.WriteEndObject();
        }
        return new EncodedPrediction(sample.Index, _line.WrittenSpan.ToArray(), _beside.WrittenSpan.ToArray());
    }

    /// <summary>The file of a sample's map.</summary>
    public static string MapOf(long index) => string.Create(CultureInfo.InvariantCulture, $"{index:000000}.png");

    /// <summary>The first line.</summary>
    public static byte[] Header(PredictionHeader header) =>
        Object(json =>
        {
            json.WriteNumber(PredictionKeys.Format, PredictionKeys.Version);
            json.WriteString(PredictionKeys.Task, TaskNames.Of(header.Data.Task));
            json.WriteString(PredictionKeys.Part, header.Part);
            if (header.Weights is not null)
                json.WriteString(PredictionKeys.Weights, header.Weights);
            json.WriteStartArray(PredictionKeys.Classes);
            foreach (var name in header.Data.Classes)
                json.WriteStringValue(name);
            json.WriteEndArray();
            ClassFacts.Write(json, header.Data);
        });

    /// <summary>What a COCO file of panoptic results says of an image.</summary>
    /// <param name="line">The image's.</param>
    public static byte[] Annotation(byte[] line)
    {
        using var parsed = JsonDocument.Parse(line);
        return Object(json =>
        {
            json.WriteNumber(PredictionKeys.ImageId, parsed.RootElement.GetProperty(PredictionKeys.ImageId).GetInt64());
            json.WriteString("file_name", parsed.RootElement.GetProperty(PredictionKeys.Map).GetString());
            json.WritePropertyName(CocoPanopticFormat.Segments);
            parsed.RootElement.GetProperty(CocoPanopticFormat.Segments).WriteTo(json);
        });
    }

    /// <summary>What ends a COCO file of panoptic results, behind its images.</summary>
    public static byte[] Categories(DataInfo data)
    {
        var text = System.Text.Encoding.UTF8.GetString(Object(json => CocoPanopticFormat.WriteCategories(json, data)));
        return System.Text.Encoding.UTF8.GetBytes($"\n],\n{text[1..]}\n"); // without the brace that opens
    }

    /// <summary>The last line.</summary>
    public static byte[] Footer(long images, IReadOnlyDictionary<string, double> metrics) =>
        Object(json =>
        {
            json.WriteNumber(PredictionKeys.Images, images);
            json.WriteStartObject(PredictionKeys.Metrics);
            foreach (var (name, value) in metrics)
                if (double.IsFinite(value))
                    json.WriteNumber(name, value);
                else
                    json.WriteNull(name);
            json.WriteEndObject();
        });

    private static byte[] Object(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_format))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private void Write(Utf8JsonWriter json, Sample sample, Prediction prediction)
    {
        switch (data.Task, prediction)
        {
            case (DataTask.Classification, ClassPrediction classes):
                if (sample.Truth.Label is { } label && (uint)label < (uint)data.Classes.Count)
                    json.WriteString(PredictionKeys.Truth, data.Classes[label]);
                Numbers(json, PredictionKeys.Scores, classes.Scores);
                break;
            case (DataTask.MultiLabel, ClassPrediction classes):
                if (sample.Truth.MultiLabel is { } labels)
                    Numbers(json, PredictionKeys.Truth, labels);
                Numbers(json, PredictionKeys.Scores, classes.Scores);
                break;
            case (DataTask.Regression, RegressionPrediction regression):
                if (sample.Truth.Targets is { } targets)
                    Numbers(json, PredictionKeys.Truth, targets);
                Numbers(json, PredictionKeys.Values, regression.Values);
                break;
            case (DataTask.Detection, DetectionPrediction):
                Boxes(json, sample, prediction);
                break;
            case (DataTask.Segmentation, SegmentationPrediction { Map: var map }):
                json.WriteString(PredictionKeys.Map, MapOf(sample.Index));
                _beside.Write(ImageCodec.EncodePng(map, map.Type == PixelType.UInt8 ? _palette : []));
                break;
            case (DataTask.Panoptic, PanopticPrediction { Map: var panoptic }):
                json.WriteNumber(PredictionKeys.ImageId, CocoResultWriter.IdOf(sample));
                json.WriteString(PredictionKeys.Map, MapOf(sample.Index));
                CocoPanopticFormat.WriteSegments(json, data, panoptic);
                _beside.Write(CocoPanopticFormat.Png(panoptic));
                break;
            default:
                throw new UserErrorException(
                    $"{sample.Name}: a {prediction.GetType().Name} is no prediction for {TaskNames.Of(data.Task)} data."
                );
        }
    }

    private void Boxes(Utf8JsonWriter json, Sample sample, Prediction prediction)
    {
        var found = CocoResultWriter.Require(sample, prediction);
        json.WriteNumber(PredictionKeys.ImageId, CocoResultWriter.IdOf(sample));
        json.WriteNumber(PredictionKeys.Boxes, found.Labels.Length);
        using var results = new Utf8JsonWriter(_beside, CocoResultWriter.Format);
        for (var i = 0; i < found.Labels.Length; i++)
        {
            if (i > 0)
            {
                _beside.Write(",\n"u8);
                results.Reset();
            }
            CocoResultWriter.Write(results, data, sample, found, i);
            results.Flush();
        }
    }

    private static void Numbers(Utf8JsonWriter json, string key, float[] values)
    {
        json.WriteStartArray(key);
        foreach (var value in values)
            if (float.IsFinite(value))
                json.WriteNumberValue(value); // as many digits as give back the same number
            else
                json.WriteNullValue();
        json.WriteEndArray();
    }
}
