namespace Tessera.Models.Losses.Contrast;

/// <summary>The pixels of one class in one image: in <see cref="PixelGroups.Pixels"/> from Start on, those predicted wrong first.</summary>
internal readonly record struct PixelGroup(int Class, int Start, int Hard, int Count);

/// <summary>The pixels of a batch, sorted by image and class.</summary>
internal sealed class PixelGroups
{
    private PixelGroups(int[] pixels, PixelGroup[] groups) => (Pixels, Groups) = (pixels, groups);

    /// <summary>Indices into the batch's grid. Drawing from a group reorders its part.</summary>
    public int[] Pixels { get; }

    /// <summary>By image, then class; only those with enough pixels.</summary>
    public IReadOnlyList<PixelGroup> Groups { get; }

    /// <param name="labels">The class of every cell of the grid, image after image; what is no class counts nowhere.</param>
    /// <param name="predictions">The class that the network sees there.</param>
    /// <param name="ignored">A label to leave out even where it is a class.</param>
    /// <param name="least">Pixels that a group must have.</param>
    public static PixelGroups Find(
        ReadOnlySpan<long> labels,
        ReadOnlySpan<long> predictions,
        int images,
        int classes,
        long ignored,
        int least
    )
    {
        var cells = images == 0 ? 0 : labels.Length / images;
        var (hard, total) = (new int[images * classes], new int[images * classes]);
        for (var i = 0; i < labels.Length; i++)
        {
            if (!Counts(labels[i]))
                continue;
            var group = i / cells * classes + (int)labels[i];
            total[group]++;
            if (predictions[i] != labels[i])
                hard[group]++;
        }

        var (hardAt, easyAt) = (new int[total.Length], new int[total.Length]);
        var groups = new List<PixelGroup>();
        var start = 0;
        for (var group = 0; group < total.Length; group++)
        {
            (hardAt[group], easyAt[group]) = (start, start + hard[group]);
            if (total[group] >= least && total[group] > 0)
                groups.Add(new PixelGroup(group % classes, start, hard[group], total[group]));
            start += total[group];
        }

        var pixels = new int[start];
        for (var i = 0; i < labels.Length; i++)
        {
            if (!Counts(labels[i]))
                continue;
            var group = i / cells * classes + (int)labels[i];
            if (predictions[i] != labels[i])
                pixels[hardAt[group]++] = i;
            else
                pixels[easyAt[group]++] = i;
        }
        return new PixelGroups(pixels, [.. groups]);

        bool Counts(long label) => label >= 0 && label < classes && label != ignored;
    }
}
