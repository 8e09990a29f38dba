using System.Text.Json;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>Reads what a file of predictions has of a panoptic map.</summary>
internal static class PanopticLine
{
    /// <summary>What each segment must have, for a message.</summary>
    public const string Form =
        $"{CocoPanopticFormat.Segments} has an entry without a whole {CocoPanopticFormat.Id} from 1 to 16777215, each but once, or without "
        + $"a {CocoPanopticFormat.Category} that stands for one of the classes";

    /// <returns>null where one has another form.</returns>
    public static IReadOnlyList<PanopticSegment>? Segments(JsonElement[] entries, DataInfo data)
    {
        if (entries.Length > PanopticMap.Void)
            return null;
        var labels = Enumerable.Range(0, data.Classes.Count).ToDictionary(c => CocoResultWriter.IdOf(data, c));
        var (segments, ids) = (new List<PanopticSegment>(entries.Length), new HashSet<long>());
        foreach (var entry in entries)
        {
            if (
                entry.ValueKind != JsonValueKind.Object
                || Whole(entry, CocoPanopticFormat.Id) is not (>= 1 and < 1 << 24 and var id)
                || !ids.Add(id)
                || Whole(entry, CocoPanopticFormat.Category) is not { } category
                || !labels.TryGetValue(category, out var label)
            )
                return null;
            var scored = entry.TryGetProperty(CocoPanopticFormat.Score, out var score) && score.ValueKind == JsonValueKind.Number;
            segments.Add(new PanopticSegment(label) { Id = id, Score = scored ? score.GetSingle() : null });
        }
        return segments;
    }

    /// <param name="file">The file of predictions.</param>
    /// <exception cref="UserErrorException">There is no such PNG, or it holds other segments.</exception>
    public static PanopticPrediction Load(string file, string png, IReadOnlyList<PanopticSegment> segments)
    {
        var path = Path.Combine(Path.ChangeExtension(PredictionFolder.PanopticOf(file), null), png);
        var bytes = PredictionFolder.ReadMap(path, file);
        return new PanopticPrediction(LoadPanoptic.Map(new PanopticFile(path, () => bytes, segments)));
    }

    private static long? Whole(JsonElement entry, string key) =>
        entry.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            ? number
            : null;
}
