using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Predictions;

/// <summary>What a file of predictions says of its classes beside their names: things, ids, frequencies, and those above them.</summary>
internal static class ClassFacts
{
    private static readonly string[] s_frequencies = ["r", "c", "f"];

    public static void Write(Utf8JsonWriter json, DataInfo data)
    {
        if (data.Things is { } things)
            List(json, PredictionKeys.Things, things, json.WriteBooleanValue);
        if (data.CategoryIds is { } ids)
            List(json, PredictionKeys.CategoryIds, ids, json.WriteNumberValue);
        if (data.Frequencies is { } frequencies)
            List(json, PredictionKeys.Frequencies, frequencies, frequency => json.WriteStringValue(s_frequencies[(int)frequency]));
        if (data.Ancestors is { } ancestors)
            List(
                json,
                PredictionKeys.Ancestors,
                ancestors,
                above =>
                {
                    json.WriteStartArray();
                    foreach (var label in above)
                        json.WriteNumberValue(label);
                    json.WriteEndArray();
                }
            );
    }

    /// <returns>The same with what the line says of its classes.</returns>
    /// <param name="wrong">Makes the error.</param>
    public static DataInfo Read(JsonElement line, DataInfo info, Func<string, UserErrorException> wrong)
    {
        var count = info.Classes.Count;
        return info with
        {
            Things = Of(PredictionKeys.Things) is { } things ? OfThings(things, count, wrong) : null,
            CategoryIds = Of(PredictionKeys.CategoryIds) is { } ids ? OfIds(ids, count, wrong) : null,
            Frequencies = Of(PredictionKeys.Frequencies) is { } frequencies ? OfFrequencies(frequencies, count, wrong) : null,
            Ancestors = Of(PredictionKeys.Ancestors) is { } ancestors ? OfAncestors(ancestors, count, wrong) : null,
        };

        JsonElement[]? Of(string key) =>
            !line.TryGetProperty(key, out var list) ? null
            : list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()]
            : throw wrong($"it lacks {key}, a list");
    }

    private static bool[] OfThings(JsonElement[] stated, int count, Func<string, UserErrorException> wrong) =>
        stated.Length == count && stated.All(thing => thing.ValueKind is JsonValueKind.True or JsonValueKind.False)
            ? [.. stated.Select(thing => thing.GetBoolean())]
            : throw wrong($"{PredictionKeys.Things} doesn't say true or false for each of the {count} classes");

    private static long[] OfIds(JsonElement[] stated, int count, Func<string, UserErrorException> wrong)
    {
        long[] ids =
        [
            .. stated.Select(item =>
                item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out var id)
                    ? id
                    : throw wrong($"{PredictionKeys.CategoryIds} holds something other than whole numbers")
            ),
        ];
        return ids.Length == count && ids.Distinct().Count() == ids.Length
            ? ids
            : throw wrong($"{PredictionKeys.CategoryIds} has not one id for each of the {count} classes");
    }

    private static ClassFrequency[] OfFrequencies(JsonElement[] stated, int count, Func<string, UserErrorException> wrong)
    {
        int[] places =
        [
            .. stated.Select(item => item.ValueKind == JsonValueKind.String ? Array.IndexOf(s_frequencies, item.GetString()) : -1),
        ];
        return places.Length == count && !places.Contains(-1)
            ? [.. places.Select(place => (ClassFrequency)place)]
            : throw wrong($"{PredictionKeys.Frequencies} doesn't say r, c or f for each of the {count} classes");
    }

    private static int[][] OfAncestors(JsonElement[] stated, int count, Func<string, UserErrorException> wrong)
    {
        return stated.Length == count
            ? Array.ConvertAll(stated, Labels)
            : throw wrong($"{PredictionKeys.Ancestors} has not one list for each of the {count} classes");

        int[] Labels(JsonElement list) =>
            list.ValueKind == JsonValueKind.Array
                ? [.. list.EnumerateArray().Select(Label)]
                : throw wrong($"{PredictionKeys.Ancestors} holds something other than lists");

        int Label(JsonElement item) =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var label) && (uint)label < (uint)count
                ? label
                : throw wrong($"{PredictionKeys.Ancestors} holds something other than whole numbers from 0 to {count - 1}");
    }

    private static void List<T>(Utf8JsonWriter json, string key, IReadOnlyList<T> items, Action<T> write)
    {
        json.WriteStartArray(key);
        foreach (var item in items)
            write(item);
        json.WriteEndArray();
    }
}
