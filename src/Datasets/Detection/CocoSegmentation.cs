using System.Text.Json;

namespace Tessera.Datasets.Detection;

/// <summary>Reads COCO's "segmentation": a list of polygons, or run lengths { "size": [height, width], "counts": numbers or
/// text }.</summary>
internal static class CocoSegmentation
{
    /// <summary>Reads the next value.</summary>
    /// <returns>null where there is nothing: null, or an empty list. What is of another form is told when it is judged.</returns>
    public static ObjectMask? Next(ref JsonStream json)
    {
        json.Next();
        switch (json.Type)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.StartArray:
                return Polygons(ref json);
            case JsonTokenType.StartObject:
                return RunLengths(ref json);
            default:
                return ObjectMask.Wrong("its segmentation is neither a list of polygons nor run lengths");
        }
    }

    private const string Pairs = "a polygon of its segmentation is a list of pairs [x, y]; one flat list x1, y1, x2, y2, … was expected";

    private static ObjectMask? Polygons(ref JsonStream json)
    {
        var (polygons, problem) = (new List<double[]>(), (string?)null);
        for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
        {
            if (json.Type != JsonTokenType.StartArray)
            {
                problem ??= "its segmentation is no list of polygons, each a list of x1, y1, x2, y2, …";
                json.Skip();
                continue;
            }
            var points = new List<double>();
            for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
            {
                if (json.Type == JsonTokenType.StartArray)
                    problem ??= Pairs;
                points.Add(json.Number());
                json.Skip();
            }
            if (points.Count > 0)
                polygons.Add([.. points]);
        }
        if (polygons.Count >= 3 && polygons.TrueForAll(points => points.Length == 2))
            problem ??= Pairs;
        return problem is not null ? ObjectMask.Wrong(problem)
            : polygons.Count == 0 ? null
            : ObjectMask.OfPolygons(polygons);
    }

    private static ObjectMask RunLengths(ref JsonStream json)
    {
        List<double>? size = null;
        List<double>? runs = null;
        string? text = null;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            var (isSize, isCounts) = (json.IsName("size"u8), json.IsName("counts"u8));
            json.Next();
            if (isSize && json.Type == JsonTokenType.StartArray)
                size = Numbers(ref json, 3);
            else if (isCounts && json.Type == JsonTokenType.StartArray)
                runs = Numbers(ref json, int.MaxValue);
            else if (isCounts && json.Type == JsonTokenType.String)
                text = json.Text("\"counts\"");
            else
                json.Skip();
        }
        if (size is not [var height, var width] || !IsSide(height) || !IsSide(width))
            return ObjectMask.Wrong("its run lengths have no \"size\" of two whole numbers, height and width");
        var rowsAndColumns = ((int)height, (int)width);
        if (text is not null)
            return ObjectMask.OfText(text, rowsAndColumns);
        if (runs is null)
            return ObjectMask.Wrong("its run lengths have no \"counts\", a list of whole numbers or a text");
        foreach (var run in runs)
            if (!(run >= 0 && run <= int.MaxValue && run == Math.Floor(run)))
                return ObjectMask.Wrong($"its \"counts\" hold something other than whole numbers from 0 to {int.MaxValue}");
        return ObjectMask.OfRuns([.. runs.Select(run => (int)run)], rowsAndColumns);

        static bool IsSide(double value) => value is >= 1 and <= int.MaxValue && value == Math.Floor(value);
    }

    private static List<double> Numbers(ref JsonStream json, int most)
    {
        var numbers = new List<double>();
        for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
        {
            if (numbers.Count < most)
                numbers.Add(json.Number());
            json.Skip();
        }
        return numbers;
    }
}
