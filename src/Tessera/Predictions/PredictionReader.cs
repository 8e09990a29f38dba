using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>Reads a file of predictions line by line.</summary>
internal sealed class PredictionReader(string file)
{
    private const int MostClasses = 1_000_000;

    private readonly List<StoredPrediction> _images = [];
    private readonly Dictionary<string, int> _classes = [];
    private PredictionHeader _header = null!;
    private IReadOnlyDictionary<long, DetectionPrediction> _boxes = new Dictionary<long, DetectionPrediction>();
    private long _line;

    public (PredictionHeader Header, IReadOnlyList<StoredPrediction> Images, IReadOnlyDictionary<string, double> Metrics) Read()
    {
        IReadOnlyDictionary<string, double>? metrics = null;
        foreach (var text in File.ReadLines(file))
        {
            if (metrics is not null)
            {
                _line++;
                throw Wrong("nothing was expected behind the line that ends the file");
            }
            Line(
                text,
                line =>
                {
                    if (_line == 1)
                        _header = Header(line);
                    else if (line.TryGetProperty(PredictionKeys.Images, out _))
                        metrics = End(line);
                    else
                        _images.Add(One(line));
                }
            );
        }
        if (metrics is null)
            throw Wrong("the file ends before the line that ends it: it is cut off");
        return (_header, Complete(), metrics);
    }

    /// <summary>What the first line says; no other is read.</summary>
    public PredictionHeader ReadHeader()
    {
        Line(File.ReadLines(file).FirstOrDefault() ?? "", line => _header = Header(line));
        return _header;
    }

    private void Line(string text, Action<JsonElement> read)
    {
        _line++;
        try
        {
            using var document = JsonDocument.Parse(text);
            read(document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement : throw Wrong("an object was expected"));
        }
        catch (JsonException)
        {
            throw Wrong("this is no valid JSON");
        }
    }

    private PredictionHeader Header(JsonElement line)
    {
        if (Whole(line, PredictionKeys.Format) is not PredictionKeys.Version and var version)
            throw Wrong($"the format's version is {version}; {PredictionKeys.Version} was expected");
        var name = Text(line, PredictionKeys.Task);
        var task = TaskNames.Find(name) ?? throw Wrong($"there is no task \"{name}\"");
        var classes = List(line, PredictionKeys.Classes);
        if (classes.Length > MostClasses)
            throw Wrong($"it names {classes.Length} classes; at most {MostClasses} are read");
        string[] names =
        [
            .. classes.Select(item =>
                item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong("a class's name is no text")
            ),
        ];
        var info = new DataInfo(names, task);
        for (var c = 0; c < names.Length; c++)
            if (!_classes.TryAdd(info.Classes[c], c))
                throw Wrong($"the class \"{names[c]}\" is named twice");
        info = ClassFacts.Read(line, info, Wrong);
        return new PredictionHeader(
            Text(line, PredictionKeys.Part),
            info,
            line.TryGetProperty(PredictionKeys.Weights, out _) ? Text(line, PredictionKeys.Weights) : null
        );
    }

    private StoredPrediction One(JsonElement line)
    {
        var hash = Text(line, PredictionKeys.Hash);
        if (hash.Length != TruthHash.Length || !hash.All(char.IsAsciiHexDigit))
            throw Wrong($"{PredictionKeys.Hash} is \"{hash}\"; {TruthHash.Length} characters from 0 to 9 and a to f were expected");
        var image = new StoredPrediction(Text(line, PredictionKeys.Image), Whole(line, PredictionKeys.Index), hash);
        var finite = !(line.TryGetProperty(PredictionKeys.Finite, out var stated) && stated.ValueKind == JsonValueKind.False);
        switch (_header.Data.Task)
        {
            case DataTask.Regression:
                var values = new RegressionPrediction(Numbers(line, PredictionKeys.Values)) { OutputIsFinite = finite };
                return image with { Truth = Truth(line), Read = () => values };
            case DataTask.Detection:
                var id = Whole(line, PredictionKeys.ImageId);
                var boxes = Whole(line, PredictionKeys.Boxes);
                return image with { ImageId = id, Read = () => Found(id, boxes, finite) };
            case DataTask.Segmentation:
                var name = MapName(line);
                return image with { Read = () => Map(name) with { OutputIsFinite = finite } };
            case DataTask.Panoptic:
                var png = MapName(line);
                var segments =
                    PanopticLine.Segments(List(line, CocoPanopticFormat.Segments), _header.Data) ?? throw Wrong(PanopticLine.Form);
                var ofImage = Whole(line, PredictionKeys.ImageId);
                return image with
                {
                    ImageId = ofImage,
                    Read = () => PanopticLine.Load(file, png, segments) with { OutputIsFinite = finite },
                };
            default:
                var scores = Numbers(line, PredictionKeys.Scores);
                var classes = new ClassPrediction(scores, Array.IndexOf(scores, scores.Max())) { OutputIsFinite = finite };
                return image with { Truth = Truth(line), Read = () => classes };
        }
    }

    private string MapName(JsonElement line)
    {
        var name = Text(line, PredictionKeys.Map);
        return name is "" or "." or ".." || name.AsSpan().IndexOfAny('/', '\\', ':') >= 0
            ? throw Wrong($"the map is called \"{name}\", which is no file's name")
            : name;
    }

    private GroundTruth Truth(JsonElement line)
    {
        if (!line.TryGetProperty(PredictionKeys.Truth, out _))
            return new GroundTruth();
        switch (_header.Data.Task)
        {
            case DataTask.Classification:
                var name = Text(line, PredictionKeys.Truth);
                return new GroundTruth
                {
                    Label = _classes.TryGetValue(name, out var label)
                        ? label
                        : throw Wrong(
                            $"the class \"{name}\" is not among those of the first line{NearestName.Suggest(name, _classes.Keys)}"
                        ),
                };
            case DataTask.MultiLabel:
                return new GroundTruth { MultiLabel = Numbers(line, PredictionKeys.Truth) };
            default:
                return new GroundTruth { Targets = Numbers(line, PredictionKeys.Truth) };
        }
    }

    private Dictionary<string, double> End(JsonElement line)
    {
        if (Whole(line, PredictionKeys.Images) is var count && count != _images.Count)
            throw Wrong($"the file is of {count} images and has {_images.Count}");
        var metrics = new Dictionary<string, double>();
        if (!line.TryGetProperty(PredictionKeys.Metrics, out var values) || values.ValueKind != JsonValueKind.Object)
            throw Wrong($"it lacks {PredictionKeys.Metrics}, an object of numbers");
        foreach (var value in values.EnumerateObject())
            metrics[value.Name] = value.Value.ValueKind switch
            {
                JsonValueKind.Null => double.NaN,
                JsonValueKind.Number => value.Value.GetDouble(),
                _ => throw Wrong($"the metric {value.Name} is no number"),
            };
        return metrics;
    }

    /// <summary>In the data set's order, images of one name set apart, and a detector's boxes read.</summary>
    private StoredPrediction[] Complete()
    {
        _images.Sort((a, b) => a.Index.CompareTo(b.Index));
        for (var i = 1; i < _images.Count; i++)
            if (_images[i].Index == _images[i - 1].Index)
                throw new UserErrorException($"{file}: two lines have the index {_images[i].Index}.");
        if (_header.Data.Task == DataTask.Detection)
            _boxes = CocoResultFile.Read(PredictionFolder.BoxesOf(file), _header.Data, _images.Select(image => image.ImageId!.Value));
        var names = ImageNaming.Distinct(_images.Select(image => image.Image));
        return [.. _images.Select((image, i) => image with { Image = names[i] })];
    }

    private DetectionPrediction Found(long id, long boxes, bool finite)
    {
        var found = _boxes[id];
        if (found.Labels.Length != boxes)
            throw new UserErrorException(
                $"{PredictionFolder.BoxesOf(file)}: it has {found.Labels.Length} boxes of image {id}; {Path.GetFileName(file)} "
                    + $"says {boxes}."
            );
        return found with { OutputIsFinite = finite };
    }

    private SegmentationPrediction Map(string name)
    {
        var path = Path.Combine(PredictionFolder.MapsOf(file), name);
        var bytes = PredictionFolder.ReadMap(path, file);
        return new SegmentationPrediction(ImageCodec.Decode(bytes, path, new DecodeOptions(ColorType.Index)));
    }

    private float[] Numbers(JsonElement line, string key)
    {
        var values = List(line, key);
        if (values.Length != _header.Data.Classes.Count)
            throw Wrong($"{key} has {values.Length} numbers; the first line names {_header.Data.Classes.Count} classes");
        return Array.ConvertAll(
            values,
            value =>
                value.ValueKind == JsonValueKind.Null ? float.NaN
                : value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) ? number
                : throw Wrong($"{key} holds something other than numbers")
        );
    }

    private JsonElement[] List(JsonElement line, string key) =>
        line.TryGetProperty(key, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : throw Wrong($"it lacks {key}, a list");

    private string Text(JsonElement line, string key) =>
        line.TryGetProperty(key, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw Wrong($"it lacks {key}, a text");

    private long Whole(JsonElement line, string key) =>
        line.ValueKind switch
        {
            JsonValueKind.Object when line.TryGetProperty(key, out var value) => Whole(value, key),
            JsonValueKind.Number when line.TryGetInt64(out var number) => number,
            JsonValueKind.Object => throw Wrong($"it lacks {key}, a whole number"),
            _ => throw Wrong($"{key} holds something other than whole numbers"),
        };

    private UserErrorException Wrong(string what) => PredictionErrors.At(file, Math.Max(_line, 1), what);
}
