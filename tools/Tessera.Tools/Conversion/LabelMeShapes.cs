using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Conversion;

/// <summary>Reads LabelMe's shapes: those that enclose something are masks, lines and unknown ones boxes alone, points neither.</summary>
/// <param name="findings">Told what can't be used.</param>
internal sealed class LabelMeShapes(Findings findings)
{
    private readonly SortedDictionary<string, long> _boxesAlone = new(StringComparer.Ordinal);

    /// <summary>All that were met, also those that can't be used.</summary>
    public long Count { get; private set; }

    /// <summary>A file's shapes; those of a group with one label as one.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="grouped">Counts the further parts of groups.</param>
    public List<LabelMeShape> Read(JsonArray shapes, string path, int height, int width, ref long grouped)
    {
        var (read, groups) = (new List<LabelMeShape>(), new Dictionary<(string, string), int>());
        for (var i = 0; i < shapes.Count; i++)
        {
            Count++;
            if (One(LabelMeValues.Object(shapes[i], path, i + 1), path, i + 1, height, width) is not { } shape)
                continue;
            if (shape.Group is { } group && !groups.TryAdd((group, shape.Label), read.Count))
            {
                var at = groups[(group, shape.Label)];
                read[at] = read[at].Joined(shape);
                grouped++;
                continue;
            }
            read.Add(shape);
        }
        return read;
    }

    /// <summary>Tells of the shapes that have no mask.</summary>
    public void Tell()
    {
        foreach (var (type, count) in _boxesAlone)
            findings.Note($"{Counted.Of(count, "shape")} of the type \"{type}\" {(count == 1 ? "has" : "have")} a box alone, so no mask.");
    }

    private LabelMeShape? One(JsonObject json, string path, int number, int height, int width)
    {
        var (place, of) = ($"{path}: shape {number}", $" of shape {number}");
        var type = LabelMeValues.Text(json, "shape_type", path, of);
        if (Points(json, path, of) is not { Length: > 0 } points)
        {
            findings.Add(FindingKind.BadBox, $"{place}: its \"points\" are no list of pairs [x, y].");
            return null;
        }
        if (type is "point" or "points" && points.Length == 2)
        {
            findings.LeaveOut(LeftOutKind.Box, "single points, which have no box", place);
            return null;
        }
        var shape = new LabelMeShape((LabelMeValues.Text(json, "label", path, of) ?? "").Trim(), json["group_id"]?.ToJsonString(), number)
        {
            Box = LooseImages.Outline(points),
            Crowd = IsCrowd(json),
        };
        if (type == "mask")
            return WithMask(shape, json, points, height, width, place);
        if (Fault(type, points.Length / 2) is { } fault)
        {
            findings.Add(FindingKind.BadBox, $"{place}: {fault}.");
            return null;
        }
        if (Enclosed(type, points) is { } outline)
            return shape with { Box = type == "circle" ? Around(points) : shape.Box, Outlines = [outline] };
        _boxesAlone[type!] = _boxesAlone.GetValueOrDefault(type!) + 1;
        return shape;
    }

    /// <summary>With its mask and the box around that; a mask that can't be used is told, and leaves the box of the points.</summary>
    private LabelMeShape WithMask(LabelMeShape shape, JsonObject json, double[] points, int height, int width, string place)
    {
        var (left, top, right, bottom) = shape.Box;
        shape = shape with { Box = (left, top, right + 1, bottom + 1) }; // the last pixels belong to it
        if (height <= 0 || width <= 0)
            return shape; // that the image is missing is told
        try
        {
            var pixels = LabelMeMask.Read(json, points, height, width, place);
            var (x, y, across, down) = pixels.Box;
            return shape with { Box = (x, y, x + across, y + down), Pixels = pixels };
        }
        catch (UserErrorException e)
        {
            findings.Add(FindingKind.BadMask, e.Message);
            return shape;
        }
    }

    /// <summary>Why a shape of a known type has the wrong number of points; null where it hasn't.</summary>
    private static string? Fault(string? type, int count)
    {
        var expected = type switch
        {
            "circle" when count != 2 => "its centre and one of its rim are two",
            "polygon" or "rotation" or "oriented_rectangle" or "quadrilateral" when count < 3 => "three make an area",
            "rectangle" or null when count < 2 => "two corners make a box",
            _ => null,
        };
        return expected is null ? null : $"a {type ?? "shape"} of {Counted.Of(count, "point")}; {expected}";
    }

    /// <summary>What a shape encloses, x1, y1, x2, y2, …; null of what encloses nothing, or nothing that is known.</summary>
    private static double[]? Enclosed(string? type, double[] points) =>
        type switch
        {
            "circle" => OutlinedObject.Circle(points[0], points[1], points[2] - points[0], points[3] - points[1]),
            "rectangle" or null when points.Length == 4 => OutlinedObject.Rectangle(points[0], points[1], points[2], points[3]),
            "rectangle" or "polygon" or "rotation" or "oriented_rectangle" or "quadrilateral" or null => points,
            _ => null,
        };

    private static (double X1, double Y1, double X2, double Y2) Around(double[] circle)
    {
        var radius = Math.Sqrt(Math.Pow(circle[2] - circle[0], 2) + Math.Pow(circle[3] - circle[1], 2));
        return (circle[0] - radius, circle[1] - radius, circle[0] + radius, circle[1] + radius);
    }

    /// <summary>x1, y1, x2, y2, …; null where they are no pairs.</summary>
    private static double[]? Points(JsonObject shape, string path, string of) =>
        shape["points"] is JsonArray points
        && points.All(point => point is JsonArray { Count: 2 } pair && pair.All(value => value is not null))
            ? [.. points.SelectMany(point => ((JsonArray)point!).Select(value => LabelMeValues.Number(value!, "points", path, of)))]
            : null;

    private static bool IsCrowd(JsonObject shape) =>
        shape["flags"] is JsonObject flags
        && flags["iscrowd"] is JsonValue value
        && (value.TryGetValue<bool>(out var crowd) ? crowd : value.TryGetValue<int>(out var number) && number != 0);
}
