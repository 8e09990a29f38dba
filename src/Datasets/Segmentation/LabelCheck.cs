using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Segmentation;

/// <summary>Says everything that is wrong with a data set's labels, at once.</summary>
internal static class LabelCheck
{
    private const int Shown = 6;

    /// <returns>What is odd but allowed.</returns>
    /// <exception cref="UserErrorException">Some files can't be used.</exception>
    public static IReadOnlyList<string> Run(SegmentationDataset data, IReadOnlyList<LabelStatistics?> statistics)
    {
        var problems = new List<string>();
        var unclaimed = new SortedDictionary<int, (int Files, long Pixels)>();
        var empty = new List<string>();
        for (var i = 0; i < statistics.Count; i++)
        {
            var sample = data.Get(i);
            if (statistics[i] is not { } found)
            {
                problems.Add(LabelErrors.NoPartner(sample.Name, sample.SegmentationFile!.Name).Message);
                continue;
            }
            if (Problem(data, sample, found) is { } problem)
                problems.Add(problem);
            foreach (var (value, pixels) in found.Histogram)
            {
                if (data.Table.Find(value == LabelHistogram.Rest ? 1 << 24 : value) is not null)
                    continue;
                var (files, all) = unclaimed.GetValueOrDefault(value);
                unclaimed[value] = (files + 1, all + pixels);
            }
            if (found.Problem is null && !found.HasUnclaimed(data.Table) && found.CountClasses(data.Table).Classes.Sum() == 0)
                empty.Add(sample.SegmentationFile!.Name);
        }
        var judgement = new LabelJudgement(data.Table, data.TableIsImplied, statistics);
        if (problems.Count > 0)
        {
            var hint = judgement.CountsFromOne() is { Length: > 0 } from ? $"\n  {from}" : "";
            var lines = problems.Take(Shown).ToList();
            if (problems.Count > Shown)
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"… and {problems.Count - Shown:N0} more."));
            if (unclaimed.Count > 0 && problems.Count > 1)
                lines.Add(Summary(data.Table, unclaimed));
            throw new UserErrorException(
                problems.Count == 1
                    ? problems[0]
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{problems.Count:N0} of {statistics.Count:N0} samples can't be used:\n  {string.Join("\n  ", lines)}"
                    ) + hint
            );
        }
        var notes = judgement.Notes().ToList();
        if (empty.Count > 0)
            notes.Insert(
                0,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{empty.Count:N0} of {statistics.Count:N0} label images hold nothing but ignored pixels, so there is nothing to "
                        + $"learn from them; the first is {empty[0]}."
                )
            );
        return notes;
    }

    private static string? Problem(SegmentationDataset data, Sample sample, LabelStatistics found)
    {
        if (found.Problem is not null)
            return found.Problem;
        var (height, width) = found.PhotographSize(data.TurnsPhotographs);
        if ((found.Height, found.Width) != (height, width))
            return LabelErrors
                .OtherSize(
                    sample.SegmentationFile!.Name,
                    found.Height,
                    found.Width,
                    sample.Name,
                    height,
                    width,
                    found.Turned ? data.TurnsPhotographs : null
                )
                .Message;
        return found.HasUnclaimed(data.Table)
            ? LabelErrors.Unclaimed(sample.SegmentationFile!.Name, data.Table, found.Histogram).Message
            : null;
    }

    private static string Summary(LabelTable table, SortedDictionary<int, (int Files, long Pixels)> unclaimed)
    {
        var most = unclaimed
            .OrderByDescending(entry => entry.Value.Pixels)
            .Take(2 * Shown)
            .Select(entry =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(entry.Key == LabelHistogram.Rest ? "others" : table.Name(entry.Key))} ({entry.Value.Files:N0} files, "
                        + $"{entry.Value.Pixels:N0} pixels)"
                )
            );
        return $"In all, label_map lacks {string.Join(", ", most)}{(unclaimed.Count > 2 * Shown ? ", …" : "")}.";
    }
}
