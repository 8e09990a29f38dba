using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Storage;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Masks;

/// <summary>Turns a folder of colour masks into index PNGs.</summary>
/// <param name="tolerance">How far each channel of a colour may be off.</param>
/// <param name="gathers">A legend or a tolerance is given, so values of gray masks are turned into others, too.</param>
internal sealed class MaskConverter(FileStore files, int tolerance, bool gathers)
{
    private readonly string[] _names = [.. files.Names.Where(ImageCodec.HasExtension)];

    public int Count => _names.Length;

    /// <summary>Files that are no masks, or of formats that can't be read.</summary>
    public IReadOnlyList<LeftOut> LeftOut
    {
        get
        {
            var counter = new LeftOutCounter();
            foreach (var name in files.Names.Where(name => !ImageCodec.HasExtension(name)))
                if (ImageCodec.UnreadableFormat(name) is { } format)
                    counter.Add(LeftOutKind.Image, $"{format} files, which can't be read", files.Describe(name));
                else
                    counter.Add(LeftOutKind.File, "files that are no images", files.Describe(name));
            return counter.Counted;
        }
    }

    /// <summary>The colours that occur, by their values (black first), each a class.</summary>
    /// <exception cref="UserErrorException">There are more than an index PNG can hold.</exception>
    public Legend FindLegend()
    {
        var total = new Dictionary<int, long>();
        var soft = (string?)null; // the first mask with colours beyond counting
        ForEach(
            "counting colours",
            name =>
            {
                var histogram = LabelHistogram.Of(Read(name));
                lock (total)
                {
                    foreach (var (color, pixels) in histogram)
                    {
                        if (color == LabelHistogram.Rest)
                            soft = soft is null || string.CompareOrdinal(name, soft) < 0 ? name : soft;
                        else if (total.Count < 1 << 20 || total.ContainsKey(color))
                            total[color] = total.GetValueOrDefault(color) + pixels;
                    }
                }
            }
        );
        var groups = ColorMatch.Group(total, tolerance, Legend.MostClasses);
        if (groups.Count > Legend.MostClasses || (soft is not null && tolerance == 0))
            throw new UserErrorException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The masks hold more than {Legend.MostClasses} "
                        + $"colours{(tolerance > 0 ? $" that differ by more than {tolerance}" : "")}"
                        + $"{(tolerance > 0 ? "" : $" ({total.Count:N0}{(soft is null ? "" : " and more")})")}"
                        + $"{(soft is null ? "" : $"; {files.Describe(soft)} alone has more than {LabelHistogram.MostColors:N0}")}. "
                        + $"Masks that were compressed (JPEG) or drawn with soft edges do. "
                        + $"Name the colours that are meant with --legend, and take each pixel's nearest with "
                        + $"--tolerance{(tolerance > 0 ? $" {tolerance * 2}" : " 20")}."
                )
            );
        if (FrequentColors.Joined(total, groups, tolerance) is { } joined)
        {
            if (groups.Count == 1)
                throw new UserErrorException($"{joined} As it is, nothing but one class would be left.");
            ToolConsole.Current.Warning(joined);
        }
        if (CompressedMasks.Warning([.. _names.Select(files.Describe)], groups, tolerance) is { } warning)
            ToolConsole.Current.Warning(warning);
        // By colour, so that masks of another split, where other colours are frequent, get the same numbers.
        return new Legend([
            .. groups
                .OrderBy(group => group.Color)
                .Select((group, i) => new LegendEntry((byte)i, $"class_{i}", Rgb.FromValue(group.Color))),
        ]);
    }

    /// <summary>Writes an index PNG for each mask, under its own name.</summary>
    /// <returns>Pixels of each entry of the legend.</returns>
    /// <exception cref="UserErrorException">A mask has a colour that the legend lacks.</exception>
    public long[] Convert(Legend legend, string folder)
    {
        var palette = legend.Palette();
        var match = new ColorMatch([.. legend.Entries.Select(entry => entry.Color.Value)], tolerance);
        var pixels = new long[legend.Entries.Count];
        foreach (var twins in _names.GroupBy(Target).Where(group => group.Count() > 1))
            throw new UserErrorException($"{string.Join(" and ", twins.Select(files.Describe))} would both become {twins.Key}.");
        ForEach(
            "converting",
            name =>
            {
                var mask = Read(name);
                var (map, counts) = Index(files.Describe(name), mask, legend, match);
                var path = Path.Combine(folder, Target(name));
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var png = ImageCodec.EncodePng(map, palette);
                AtomicFile.Write(path, stream => stream.Write(png));
                lock (pixels)
                {
                    for (var i = 0; i < counts.Length; i++)
                        pixels[i] += counts[i];
                }
            }
        );
        return pixels;
    }

    /// <summary>The legend as it is written beside the masks, with the label_map for a config.</summary>
    public static string Describe(Legend legend, long[] pixels)
    {
        var text = new JsonObject
        {
            ["classes"] = new JsonArray([
                .. legend.Entries.Select(
                    (entry, i) =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["index"] = entry.Index,
                                ["name"] = entry.Name,
                                ["color"] = entry.Color.ToString(),
                                ["pixels"] = pixels[i],
                            }
                ),
            ]),
            ["label_map"] = new JsonObject(LabelMap(legend).Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
            ["palette"] = new JsonArray([.. Palette(legend).Select(color => (JsonNode?)color)]),
        };
        return text.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })
            + "\n";
    }

    public static IEnumerable<KeyValuePair<string, string>> LabelMap(Legend legend) =>
        legend
            .Entries.DistinctBy(entry => entry.Index)
            .OrderBy(entry => entry.Index)
            .Select(entry => KeyValuePair.Create(entry.Index.ToString(CultureInfo.InvariantCulture), entry.Name));

    /// <summary>Colours of the classes, as the option palette takes them beside the label_map.</summary>
    public static IEnumerable<string> Palette(Legend legend) =>
        legend
            .Entries.Where(entry => entry.Index != LabelTable.Ignore)
            .DistinctBy(entry => entry.Index)
            .OrderBy(entry => entry.Index)
            .Select(entry => entry.Color.ToString());

    private static string Target(string name) => Path.ChangeExtension(name, ".png");

    private static (Image Map, long[] Counts) Index(string name, Image mask, Legend legend, ColorMatch match)
    {
        var map = new Image(mask.Height, mask.Width, 1);
        var counts = new long[legend.Entries.Count];
        var known = new Dictionary<int, int>();
        var missing = new Dictionary<int, long>();
        var (last, found) = (-1, -1);
        for (var i = 0; i < map.Bytes.Length; i++)
        {
            var color = mask.Bytes[3 * i] << 16 | mask.Bytes[3 * i + 1] << 8 | mask.Bytes[3 * i + 2];
            if (color != last && !known.TryGetValue(last = color, out found))
                known[color] = found = match.Find(color);
            if (found < 0)
            {
                missing[color] = missing.GetValueOrDefault(color) + 1;
                continue;
            }
            map.Bytes[i] = legend.Entries[found].Index;
            counts[found]++;
        }
        if (missing.Count == 0)
            return (map, counts);
        var first = string.Join(
            ", ",
            missing
                .OrderByDescending(entry => entry.Value)
                .Take(5)
                .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{Rgb.FromValue(entry.Key)} ({entry.Value:N0} pixels)"))
        );
        throw new UserErrorException(
            $"{name}: the legend lacks {missing.Count} of its colours: {first}{(missing.Count > 5 ? ", …" : "")}. Add them, with the "
                + $"name \"ignore\" where they mean nothing, or take the nearest with --tolerance N."
        );
    }

    private Image Read(string name)
    {
        var (data, described) = (files.Read(name), files.Describe(name));
        var stored = ImageCodec.Decode(data, described, new DecodeOptions(ColorType.Unchanged));
        if (stored.Channels >= 3)
            return LabelFile.Decode(data, described, byColor: true);
        // Beside an alpha channel, or where values are to be gathered, gray is a colour like others. A plain index image is used as it is.
        var plain = stored.Channels == 1 && !gathers && Path.GetExtension(name).ToLowerInvariant() is not (".jpg" or ".jpeg" or ".webp");
        if (!plain && stored.Type == PixelType.UInt8)
            return ChannelConversion.ToRgb(stored);
        var (depth, advice) =
            stored.Type == PixelType.UInt8
                ? (
                    "",
                    " Values that compression or soft edges made are gathered with --tolerance N, or by a --legend of grays (\"road\": "
                        + "\"#010101\")."
                )
                : ("16-bit ", "");
        throw new UserErrorException(
            $"{described}: the mask has one channel of {depth}values, not colours. It needs no converting: label_map takes values "
                + $"(\"0\": \"road\").{advice}"
        );
    }

    private void ForEach(string what, Action<string> action)
    {
        var advance = new Advance(what);
        var done = 0;
        try
        {
            Parallel.ForEach(
                _names,
                name =>
                {
                    action(name);
                    var count = Interlocked.Increment(ref done);
                    lock (advance)
                        advance.Report(count, _names.Length);
                }
            );
        }
        catch (AggregateException several) when (several.InnerExceptions.OfType<UserErrorException>().FirstOrDefault() is { } first)
        {
            throw new UserErrorException(first.Message, several);
        }
    }
}
