using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Tools.Output;

namespace Tessera.Tools.PseudoLabels;

/// <summary>What was found in a folder of pseudo labels.</summary>
/// <param name="Masks">Of each image with a mask: its undecided pixels are missed ones.</param>
/// <param name="Decided">The same images; their undecided pixels are left out.</param>
/// <param name="Exact">How many masks are the truth to the pixel.</param>
/// <param name="Given">With the classes of the image labels that were given; null where no scores have such.</param>
/// <param name="Predicted">With predicted classes; null where no scores have such.</param>
internal sealed record MaskScores(
    IReadOnlyList<IoUCounts> Masks,
    IReadOnlyList<IoUCounts> Decided,
    int Exact,
    HonestScore? Given,
    HonestScore? Predicted
);

/// <summary>Compares pseudo labels with the truth, one image after another.</summary>
internal sealed class MaskScoring(MaskFolder folder, MaskTruth truth)
{
    private const int MostNames = 5,
        MostFaults = 20;

    private readonly List<string> _unreadable = [];
    private readonly Dictionary<string, List<string>> _missing = new() { ["masks"] = [], ["scores"] = [] };
    private readonly HashSet<int> _left = [];

    /// <summary>What is wrong with files, each told once.</summary>
    public IEnumerable<string> Faults()
    {
        foreach (var (kind, names) in _missing)
            if (names.Count > 0)
                yield return $"{names.Count} of {truth.Count} images have no file in {kind} and are not scored by it: {Some(names)}.";
        foreach (var kind in _missing.Keys)
            if (folder.Strangers(kind, Enumerable.Range(0, truth.Count).Select(truth.NameOf)).ToArray() is { Length: > 0 } strangers)
                yield return $"{Counted.Of(strangers.Length, "file")} in {kind} {(strangers.Length == 1 ? "belongs" : "belong")} to no "
                    + $"image of the data: {Some(strangers)}.";
        foreach (var fault in _unreadable.Take(MostFaults))
            yield return fault + " It is left out.";
        if (_unreadable.Count > MostFaults)
            yield return $"{_unreadable.Count - MostFaults} more files are left out for such reasons.";
    }

    public MaskScores Run()
    {
        var (masks, decided, exact) = (new List<IoUCounts>(), new List<IoUCounts>(), 0);
        var scorings = new[] { Scoring(), Scoring() };
        var seen = new bool[2];
        var advance = new Advance("scoring");
        var passes = folder.HasScores ? 2 : 1;
        for (var i = 0; i < truth.Count; i++)
        {
            if (TruthOf(i) is not var (map, height, width))
                continue;
            var name = truth.NameOf(i);
            if (folder.HasMasks && Read("masks", name, () => folder.Mask(name, height, width)) is { } mask)
            {
                masks.Add(Count(map, mask, missed: true));
                decided.Add(Count(map, mask, missed: false));
                exact += masks[^1].Both.Sum() == masks[^1].Truth.Sum() ? 1 : 0;
            }
            if (folder.HasScores)
            {
                if (Read("scores", name, () => folder.Scores(name, height, width)) is { } maps)
                    Each(maps, map, (scoring, best, values) => scoring.See(MaskTruth.IsSecondHalf(name), map, best, values));
                else
                    _left.Add(i);
            }
            advance.Report(i + 1, passes * truth.Count);
        }
        for (var i = 0; i < truth.Count && folder.HasScores; i++)
        {
            if (!_left.Contains(i))
            {
                var (map, height, width) = truth.Map(i);
                var name = truth.NameOf(i);
                Each(
                    folder.Scores(name, height, width),
                    map,
                    (scoring, best, values) => scoring.Score(MaskTruth.IsSecondHalf(name), map, best, values)
                );
            }
            advance.Report(truth.Count + i + 1, passes * truth.Count);
        }
        if (masks.Count == 0 && (!folder.HasScores || _left.Count == truth.Count))
            throw new UserErrorException(
                $"None of the {truth.Count} images could be scored.\n  {string.Join("\n  ", Faults().Take(MostNames))}\n  Are they pseudo "
                    + "labels of other data, or of another part (--split)?"
            );
        return new MaskScores(masks, decided, exact, seen[0] ? scorings[0].Result() : null, seen[1] ? scorings[1].Result() : null);

        void Each(ImageScores maps, int[] map, Action<HonestScoring, int[], float[]> act)
        {
            for (var source = 0; source < 2; source++)
            {
                seen[source] |= maps.Origins.Any(bits => (bits & (1 << source)) != 0);
                var (best, values) = Best(maps, 1 << source, map.Length);
                act(scorings[source], best, values);
            }
        }
    }

    private (int[] Map, int Height, int Width)? TruthOf(int i)
    {
        try
        {
            return truth.Map(i);
        }
        catch (Exception fault) when (SkippedSample.IsReason(fault))
        {
            _unreadable.Add(SkippedSample.Reason(truth.NameOf(i), fault.Message));
            _left.Add(i);
            return null;
        }
    }

    private static string Some(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(MostNames)) + (names.Count > MostNames ? " …" : "");

    private HonestScoring Scoring() => new(truth.Classes.Count, truth.Background);

    private T? Read<T>(string kind, string name, Func<T> read)
        where T : class
    {
        if (!File.Exists(folder.PathOf(name, kind)))
        {
            _missing[kind].Add(name);
            return null;
        }
        try
        {
            return read();
        }
        catch (UserErrorException fault)
        {
            _unreadable.Add(fault.Message);
            return null;
        }
    }

    // Of the classes from one source of labels; of equal scores the lower class.
    private (int[] Best, float[] Scores) Best(ImageScores maps, int source, int pixels)
    {
        var (best, scores) = (new int[pixels], new float[pixels]);
        Array.Fill(best, -1);
        foreach (var k in Enumerable.Range(0, maps.Classes.Length).OrderBy(k => maps.Classes[k]))
        {
            if ((maps.Origins[k] & source) == 0)
                continue;
            var label = truth.Foreground[maps.Classes[k]];
            var values = maps.Scores.AsSpan(k * pixels, pixels);
            for (var i = 0; i < pixels; i++)
                if (best[i] < 0 || values[i] > scores[i])
                    (best[i], scores[i]) = (label, values[i]);
        }
        return (best, scores);
    }

    private IoUCounts Count(int[] map, int[] mask, bool missed)
    {
        var counts = new IoUCounts(truth.Classes.Count);
        for (var i = 0; i < map.Length; i++)
        {
            var undecided = mask[i] == MaskFolder.Undecided;
            if (map[i] < 0 || (undecided && !missed))
                continue;
            counts.Truth[map[i]]++;
            if (undecided)
                continue;
            var label = mask[i] == 0 ? truth.Background : truth.Foreground[mask[i] - 1];
            counts.Predicted[label]++;
            if (label == map[i])
                counts.Both[label]++;
        }
        return counts;
    }
}
