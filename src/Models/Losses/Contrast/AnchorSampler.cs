using Tessera.Framework.Data;

namespace Tessera.Models.Losses.Contrast;

/// <summary>What happens where an image has too few hard or too few easy pixels of a class.</summary>
public enum Shortfall
{
    /// <summary>Pixels of the other kind fill up. A class with fewer pixels than views has fewer anchors.</summary>
    Other,

    /// <summary>Pixels of the same kind stand several times, those of the other kind only where there is none of it.</summary>
    Repeat,
}

/// <summary>The pixels that are compared.</summary>
/// <param name="Pixels">Indices into the batch's grid.</param>
/// <param name="Classes">Of each.</param>
/// <param name="Weights">1 over the anchors of the same class and image, so that a class with few pixels counts as much as one with
/// many.</param>
internal sealed record Anchors(int[] Pixels, long[] Classes, float[] Weights);

/// <summary>Draws anchors: of every class in every image equally many, half of them predicted wrong.</summary>
/// <param name="maxSamples">Anchors in all.</param>
/// <param name="maxViews">Anchors of a class in an image.</param>
internal sealed class AnchorSampler(int maxSamples, int maxViews, Shortfall shortfall)
{
    public Anchors Draw(PixelGroups found, RandomSource random)
    {
        var groups = found.Groups;
        if (groups.Count > maxSamples) // more than there is room for: some of them, at random
            groups = [.. random.Permutation(groups.Count)[..maxSamples].Select(i => found.Groups[i])];
        if (groups.Count == 0)
            return new Anchors([], [], []);

        var views = Math.Min(maxSamples / groups.Count, maxViews);
        var (pixels, classes, weights) = (new List<int>(), new List<long>(), new List<float>());
        foreach (var group in groups)
        {
            var before = pixels.Count;
            var (hard, easy) = Split(group, views);
            Pick(found.Pixels.AsSpan(group.Start, group.Hard), hard, random, pixels);
            Pick(found.Pixels.AsSpan(group.Start + group.Hard, group.Count - group.Hard), easy, random, pixels);
            for (var i = before; i < pixels.Count; i++)
            {
                classes.Add(group.Class);
                weights.Add(1f / (pixels.Count - before));
            }
        }
        return new Anchors([.. pixels], [.. classes], [.. weights]);
    }

    /// <summary>Different items at random: reorders the span so that they are its first.</summary>
    public static void Shuffle(Span<int> items, int count, RandomSource random)
    {
        for (var i = 0; i < count; i++)
        {
            var j = random.Next(i, items.Length);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private (int Hard, int Easy) Split(PixelGroup group, int views)
    {
        var (hardPixels, easyPixels) = (group.Hard, group.Count - group.Hard);
        var hard = views / 2;
        var easy = views - hard;
        if (shortfall == Shortfall.Repeat)
            return hardPixels == 0 ? (0, views)
                : easyPixels == 0 ? (views, 0)
                : (hard, easy);
        if (hardPixels < hard)
            return (hardPixels, Math.Min(easyPixels, views - hardPixels));
        return easyPixels < easy ? (Math.Min(hardPixels, views - easyPixels), easyPixels) : (hard, easy);
    }

    private static void Pick(Span<int> from, int count, RandomSource random, List<int> picked)
    {
        Shuffle(from, Math.Min(count, from.Length), random);
        for (var i = 0; i < count; i++)
            picked.Add(from[i % from.Length]); // around again where there are too few
    }
}
