using System.Text.Json;
using Tessera.Framework.Data;

namespace Tessera.Predictions;

/// <summary>The "segmentation" of a result: { "size": [height, width], "counts": text }.</summary>
internal static class CocoResultMask
{
    public static void Write(Utf8JsonWriter json, RunLengthMask mask)
    {
        json.WriteStartObject("segmentation");
        json.WriteStartArray("size");
        json.WriteNumberValue(mask.Height);
        json.WriteNumberValue(mask.Width);
        json.WriteEndArray();
        json.WriteString("counts", RunLengthText.Encode(mask));
        json.WriteEndObject();
    }

    /// <summary>Reads the next value; null is none, and a list (polygons) isn't a result's form and is passed over.</summary>
    /// <param name="wrong">Words what is wrong.</param>
    public static RunLengthMask? Next(ref Utf8JsonReader reader, Func<string, Exception> wrong)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }
        if (reader.TokenType != JsonTokenType.StartObject)
            throw wrong("run lengths { \"size\": [height, width], \"counts\": text } were expected");
        string? text = null;
        var (size, sides) = (new int[2], 0);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var (isSize, isCounts) = (reader.ValueTextEquals("size"u8), reader.ValueTextEquals("counts"u8));
            reader.Read();
            if (isCounts && reader.TokenType == JsonTokenType.String)
                text = reader.GetString();
            else if (isSize && reader.TokenType == JsonTokenType.StartArray)
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    size[Math.Min(1, sides++)] =
                        reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var side)
                            ? side
                            : throw wrong("its size holds something other than whole numbers");
            else
                reader.Skip();
        }
        if (text is null || sides != 2)
            throw wrong(text is null ? "it has no counts as text (compressed run lengths)" : "it has no size of two numbers");
        return RunLengthText.TryDecode(text, size[0], size[1], out var mask, out var fault) ? mask : throw wrong(fault);
    }
}
