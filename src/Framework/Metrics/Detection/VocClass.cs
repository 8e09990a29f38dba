using Tessera.Framework.Processes;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>One class over all images: its detections, best first, and how many objects are asked for.</summary>
internal sealed class VocClass
{
    private readonly (int Image, bool Right)[] _detections;
    private readonly (int Image, int Objects)[] _objects;

    /// <param name="matches">Of this class, with the image's position; images in order.</param>
    public VocClass(IReadOnlyList<(int Image, VocMatches Matches)> matches)
    {
        _detections =
        [
            .. matches
                .SelectMany(match => match.Matches.Scores.Select((score, i) => (Score: score, match.Image, Right: match.Matches.Right[i])))
                .OrderByDescending(detection => detection.Score)
                .Select(detection => (detection.Image, detection.Right)),
        ];
        _objects = [.. matches.Where(match => match.Matches.Objects > 0).Select(match => (match.Image, match.Matches.Objects))];
    }

    public int Objects => _objects.Sum(image => image.Objects);

    /// <summary>Average precision, and the part of the objects that is found; NaN where none is asked for.</summary>
    /// <param name="times">[images], how often each counts; null: once.</param>
    public (double Precision, double Recall) Measure(VocApMode mode, int[]? times = null)
    {
        var objects = times is null ? Objects : _objects.Sum(image => image.Objects * times[image.Image]);
        if (objects == 0)
            return (double.NaN, double.NaN);
        var precisions = new List<double>(objects); // at the detections that find an object, by how many are found then
        var seen = 0;
        foreach (var (image, right) in _detections)
        {
            var count = times is null ? 1 : times[image];
            seen += count;
            if (!right)
                continue;
            var precision = (precisions.Count + count) / (double)seen;
            for (var i = 0; i < count; i++)
                precisions.Add(precision);
        }
        for (var i = precisions.Count - 2; i >= 0; i--)
            precisions[i] = Math.Max(precisions[i], precisions[i + 1]);
        var recall = (double)precisions.Count / objects;
        if (mode == VocApMode.Area)
            return (precisions.Sum() / objects, recall);
        var sum = 0.0;
        for (var tenth = 0; tenth <= 10; tenth++)
        {
            var needed = Math.Max(1, ((long)tenth * objects + 9) / 10); // found / objects >= tenth / 10, in whole numbers
            if (needed <= precisions.Count)
                sum += precisions[(int)needed - 1];
        }
        return (sum / 11, recall);
    }
}
