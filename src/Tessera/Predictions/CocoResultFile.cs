using System.Globalization;
using System.Text;
using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>Reads detections in COCO's format of results.</summary>
public sealed class CocoResultFile
{
    private const long MostBytes = 2_000_000_000; // a single array

    private readonly string _path;
    private readonly byte[] _bytes;
    private readonly DataInfo _data;
    private readonly Dictionary<long, List<Entry>> _images;
    private readonly Dictionary<long, int> _categories;

    private CocoResultFile(string path, DataInfo data, IEnumerable<long> images)
    {
        if (!File.Exists(path))
            throw new UserErrorException($"{path}: there is no such file.");
        var length = new FileInfo(path).Length;
        if (length > MostBytes)
            throw new UserErrorException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{path}: it has {length / 1e9:0.0} GB; at most {MostBytes / 1e9:0} are read. COCO counts an image's best 100 "
                        + $"boxes of a class: leave out the others."
                )
            );
        (_path, _bytes, _data) = (path, File.ReadAllBytes(path), data);
        _images = images.Distinct().ToDictionary(id => id, _ => new List<Entry>());
        _categories = Enumerable.Range(0, data.Classes.Count).ToDictionary(label => CocoResultWriter.IdOf(data, label));
    }

    private readonly record struct Entry(int Label, double X, double Y, double Width, double Height, double Score, RunLengthMask? Mask);

    /// <summary>By image id, best first; images without a box have an empty prediction.</summary>
    /// <param name="images">The ids that the data set has.</param>
    /// <exception cref="UserErrorException">The file is damaged, not of this format, or of another data set; the message names the
    /// line.</exception>
    public static IReadOnlyDictionary<long, DetectionPrediction> Read(string path, DataInfo data, IEnumerable<long> images)
    {
        var file = new CocoResultFile(path, data, images);
        try
        {
            file.Parse();
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path}:{error.LineNumber + 1}  {file.Damage(error)}", error);
        }
        return file._images.ToDictionary(image => image.Key, image => Prediction(image.Value));
    }

    private void Parse()
    {
        var start = _bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        var reader = new Utf8JsonReader(_bytes.AsSpan(start));
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            throw Wrong(
                start,
                "a list of results was expected, [{\"image_id\": …, \"category_id\": …, \"bbox\": [x, y, width, height], \"score\": "
                    + "…}, …]; this is an object. Annotations are no results."
            );
        var (count, strangers, firstStranger, firstLine, masks) = (0, 0, 0L, 0, 0);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var at = start + (int)reader.TokenStartIndex;
            var (image, entry) = One(ref reader, ++count, at);
            if (entry.Mask is not null)
                masks++;
            if (masks > 0 && masks < count)
                throw Wrong(
                    at,
                    $"result {count} has {(entry.Mask is null ? "no segmentation, others have" : "a segmentation, others have none")}."
                );
            if (_images.TryGetValue(image, out var entries))
                entries.Add(entry);
            else if (strangers++ == 0)
                (firstStranger, firstLine) = (image, Line(at));
        }
        if (strangers > 0)
        {
            throw new UserErrorException(
                $"{_path}:{firstLine}  The data set has no image {firstStranger}; {strangers} of the {count} results are of images "
                    + $"that it does not have.\n"
                    + $"  Are they results of another data set? This one has {_images.Count} images, "
                    + $"{_images.Keys.DefaultIfEmpty().Min()} to {_images.Keys.DefaultIfEmpty().Max()}."
            );
        }
        while (reader.Read()) { } // nothing may follow
    }

    private (long Image, Entry Entry) One(ref Utf8JsonReader reader, int number, int at)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Wrong(at, $"result {number} is no object.");
        long? image = null,
            category = null;
        double? score = null;
        var box = new double[4];
        var sides = -1;
        RunLengthMask? mask = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("image_id"u8))
                image = Whole(ref reader, number, at, "image_id");
            else if (reader.ValueTextEquals("category_id"u8))
                category = Whole(ref reader, number, at, "category_id");
            else if (reader.ValueTextEquals("score"u8))
                score = Number(ref reader, number, at, "score");
            else if (reader.ValueTextEquals("bbox"u8))
                sides = Box(ref reader, number, at, box);
            else if (reader.ValueTextEquals("segmentation"u8))
                mask = CocoResultMask.Next(ref reader, what => Wrong(at, $"the segmentation of result {number} can't be used: {what}."));
            else
                reader.Skip();
        }
        if (sides < 0 && mask is not null)
        {
            (box[0], box[1], box[2], box[3]) = mask.Box;
            sides = 4;
        }
        (string Key, bool Missing)[] keys =
        [
            ("image_id", image is null),
            ("category_id", category is null),
            ("bbox", sides < 0),
            ("score", score is null),
        ];
        var missing = keys.Where(key => key.Missing).Select(key => key.Key).ToArray();
        if (missing.Length > 0)
            throw Wrong(at, $"result {number} lacks {string.Join(", ", missing)}.");
        if (sides != 4)
            throw Wrong(at, $"the bbox of result {number} has {sides} numbers; x, y, width and height were expected.");
        if (box[2] < 0 || box[3] < 0)
            throw Wrong(
                at,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the bbox of result {number} has the size {box[2]} x {box[3]}. It is written as x, y, width, height, not as two "
                        + $"corners."
                )
            );
        if (!_categories.TryGetValue(category!.Value, out var label))
            throw Wrong(at, $"result {number} is of category {category}, which the data set does not have. {Categories()}");
        return (image!.Value, new Entry(label, box[0], box[1], box[2], box[3], score!.Value, mask));
    }

    private string Categories() =>
        $"Its {_categories.Count} categories: "
        + string.Join(", ", _categories.Take(10).Select(known => $"{known.Key} {_data.Classes[known.Value]}"))
        + (_categories.Count > 10 ? " …" : ".");

    private int Box(ref Utf8JsonReader reader, int number, int at, double[] box)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Wrong(at, $"the bbox of result {number} is no list.");
        var sides = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var value = Value(ref reader, number, at, "bbox");
            if (sides < 4)
                box[sides] = value;
            sides++;
        }
        return sides;
    }

    private long Whole(ref Utf8JsonReader reader, int number, int at, string key)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value))
            return value;
        throw Wrong(at, $"the {key} of result {number} is {Shown(reader)}; a whole number was expected.");
    }

    private double Number(ref Utf8JsonReader reader, int number, int at, string key)
    {
        reader.Read();
        return Value(ref reader, number, at, key);
    }

    private double Value(ref Utf8JsonReader reader, int number, int at, string key)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var value) && double.IsFinite(value))
            return value;
        throw Wrong(at, $"the {key} of result {number} is {Shown(reader)}; a finite number was expected.");
    }

    private static string Shown(Utf8JsonReader reader) =>
        reader.TokenType switch
        {
            JsonTokenType.StartArray => "a list",
            JsonTokenType.StartObject => "an object",
            JsonTokenType.String => $"\"{Encoding.UTF8.GetString(reader.ValueSpan[..Math.Min(40, reader.ValueSpan.Length)])}\"",
            _ => Encoding.UTF8.GetString(reader.ValueSpan[..Math.Min(40, reader.ValueSpan.Length)]),
        };

    private static DetectionPrediction Prediction(List<Entry> entries)
    {
        Entry[] sorted = [.. entries.OrderByDescending(entry => entry.Score)]; // stable
        double[] boxes = [.. sorted.SelectMany(entry => new[] { entry.X, entry.Y, entry.Width, entry.Height })];
        double[] scores = [.. sorted.Select(entry => entry.Score)];
        float[] corners =
        [
            .. sorted.SelectMany(entry =>
                new[] { (float)entry.X, (float)entry.Y, (float)(entry.X + entry.Width), (float)(entry.Y + entry.Height) }
            ),
        ];
        return new DetectionPrediction(corners, Array.ConvertAll(scores, score => (float)score), [.. sorted.Select(entry => entry.Label)])
        {
            Stated = (boxes, scores),
            Masks = sorted is [{ Mask: not null }, ..] ? [.. sorted.Select(entry => entry.Mask!)] : null,
        };
    }

    private string Damage(JsonException error)
    {
        var line = _bytes.AsSpan();
        for (var n = error.LineNumber ?? 0; n > 0 && line.IndexOf((byte)'\n') is >= 0 and var end; n--)
            line = line[(end + 1)..];
        var rest = line[(int)Math.Min(error.BytePositionInLine ?? 0, line.Length)..];
        if (
            rest.StartsWith("NaN"u8)
            || rest.StartsWith("Infinity"u8)
            || rest.StartsWith("-Infinity"u8)
            || rest.StartsWith("I"u8)
            || rest.StartsWith("nfinity"u8)
            || rest.StartsWith("aN"u8)
        )
            return "NaN and Infinity are no JSON, and nothing can be ranked or placed by them. The model that wrote this file has "
                + "diverged.";
        return rest.Trim(" \r\n\t"u8).IsEmpty
            ? "The file ends in the middle: it is cut off."
            : $"This is no valid JSON (byte {error.BytePositionInLine + 1} of the line).";
    }

    private UserErrorException Wrong(int at, string what) => new($"{_path}:{Line(at)}  {char.ToUpperInvariant(what[0])}{what[1..]}");

    private int Line(int at) => _bytes.AsSpan(0, at).Count((byte)'\n') + 1;
}
