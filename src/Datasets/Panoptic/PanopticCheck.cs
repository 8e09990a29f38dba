using System.Globalization;
using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Panoptic;

/// <summary>Says everything that is wrong with a data set's maps of segments, at once.</summary>
internal static class PanopticCheck
{
    private const int Shown = 6;
    private const double MostVoid = 0.5;

    /// <param name="data">Its samples' files are those that were read.</param>
    /// <param name="statistics">By sample; pixels by colour.</param>
    /// <param name="turn">Photographs are turned as their EXIF orientation says.</param>
    /// <returns>What is odd but allowed.</returns>
    /// <exception cref="UserErrorException">Some maps can't be used.</exception>
    public static IReadOnlyList<string> Run(Dataset data, IReadOnlyList<LabelStatistics> statistics, bool turn)
    {
        var (problems, empty) = (new List<string>(), new List<string>());
        var (all, nothing) = (0L, 0L);
        for (var i = 0; i < statistics.Count; i++)
        {
            var sample = data.Get(i);
            var file = sample.PanopticFile!;
            if (Problem(sample, file, statistics[i], turn) is { } problem)
            {
                problems.Add(problem);
                continue;
            }
            var learned = file.Segments.Where(segment => !segment.Crowd).Select(segment => segment.Id!.Value).ToHashSet();
            if (!statistics[i].Histogram.Any(entry => learned.Contains(IdOf(entry.Key))))
                empty.Add(file.Name);
            foreach (var (color, pixels) in statistics[i].Histogram)
            {
                all += pixels;
                nothing += IdOf(color) == 0 ? pixels : 0;
            }
        }
        if (problems.Count > 0)
            throw new UserErrorException(problems is [var one] ? one : Text(problems, statistics.Count));
        return [.. Notes(empty, statistics.Count, all, nothing)];
    }

    private static IEnumerable<string> Notes(List<string> empty, int count, long all, long nothing)
    {
        if (empty.Count > 0)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{empty.Count:N0} of {count:N0} maps of segments hold no segment to learn from (crowds and void alone); the first is "
                    + $"{empty[0]}."
            );
        if (all > 0 && (double)nothing / all is > MostVoid and var share)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{share:P0} of all pixels belong to no segment (void, colour 0, 0, 0): they are neither learned nor measured."
            );
    }

    private static string? Problem(Sample sample, PanopticFile file, LabelStatistics found, bool turn)
    {
        if (found.Problem is not null)
            return found.Problem;
        if (found.PhotographSize(turn) is var size && (found.Height, found.Width) != size)
            return PanopticFaults.OtherSize(file.Name, (found.Height, found.Width), sample.Name, size);
        var listed = file.Segments.Select(segment => segment.Id!.Value).ToHashSet();
        var shown = found.Histogram.Where(entry => entry.Key != LabelHistogram.Rest).Select(entry => IdOf(entry.Key)).ToHashSet();
        long[] unlisted = [.. shown.Where(id => id != 0 && !listed.Contains(id)).Order()];
        if (unlisted.Length > 0)
            return PanopticFaults.Unlisted(file.Name, unlisted, listed.Count);
        if (found.Histogram.Any(entry => entry.Key == LabelHistogram.Rest))
            return null; // more segments than are counted: the step that loads the map looks at each
        long[] absent = [.. listed.Where(id => !shown.Contains(id)).Order()];
        return absent.Length > 0 ? PanopticFaults.Absent(file.Name, absent) : null;
    }

    // 0xRRGGBB; an id is R + 256 G + 65536 B
    private static long IdOf(int color) => (color >> 16) | (color & 0xFF00) | ((color & 0xFF) << 16);

    private static string Text(List<string> problems, int count)
    {
        var lines = problems.Take(Shown).ToList();
        if (problems.Count > Shown)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"… and {problems.Count - Shown:N0} more."));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{problems.Count:N0} of {count:N0} maps of segments can't be used:\n  {string.Join("\n  ", lines)}"
        );
    }
}
