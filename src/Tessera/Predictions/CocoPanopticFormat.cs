using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Predictions;

/// <summary>Panoptic maps as COCO's format has them: a PNG whose colours are ids, red + 256 green + 65,536 blue, and what the ids
/// are.</summary>
internal static class CocoPanopticFormat
{
    public const string Id = "id",
        Category = "category_id",
        Score = "score",
        Segments = "segments_info";

    /// <summary>The id of a segment in a file: 0 is none.</summary>
    public static int IdOf(int place) => place + 1;

    public static byte[] Png(PanopticMap map)
    {
        var image = new Image(map.Height, map.Width, 3);
        var values = map.Map.Pixels<ushort>();
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] == PanopticMap.Void)
                continue;
            var id = IdOf(values[i]);
            (image.Bytes[3 * i], image.Bytes[(3 * i) + 1], image.Bytes[(3 * i) + 2]) = ((byte)id, (byte)(id >> 8), (byte)(id >> 16));
        }
        return ImageCodec.EncodePng(image);
    }

    /// <summary>"segments_info" of an image, those of which there is a pixel.</summary>
    public static void WriteSegments(Utf8JsonWriter json, DataInfo data, PanopticMap map)
    {
        var (areas, boxes) = (map.Areas(), map.Boxes());
        json.WriteStartArray(Segments);
        for (var i = 0; i < areas.Length; i++)
        {
            if (areas[i] == 0)
                continue;
            json.WriteStartObject();
            json.WriteNumber(Id, IdOf(i));
            json.WriteNumber(Category, CocoResultWriter.IdOf(data, map.Segments[i].Label));
            json.WriteNumber("area", areas[i]);
            json.WriteStartArray("bbox");
            foreach (var side in (int[])[boxes[i].X, boxes[i].Y, boxes[i].Width, boxes[i].Height])
                json.WriteNumberValue(side);
            json.WriteEndArray();
            json.WriteNumber("iscrowd", map.Segments[i].Crowd ? 1 : 0);
            if (map.Segments[i].Score is { } score)
                json.WriteNumber(Score, score);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>"categories" of a file.</summary>
    public static void WriteCategories(Utf8JsonWriter json, DataInfo data)
    {
        json.WriteStartArray("categories");
        for (var c = 0; c < data.Classes.Count; c++)
        {
            json.WriteStartObject();
            json.WriteNumber(Id, CocoResultWriter.IdOf(data, c));
            json.WriteString("name", data.Classes[c]);
            json.WriteNumber("isthing", data.Things?[c] == true ? 1 : 0);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
