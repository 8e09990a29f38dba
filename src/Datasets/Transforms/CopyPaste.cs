using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="MaxNumPasted">Fewer objects than this are pasted; how many is drawn.</param>
/// <param name="BboxOccludedThr">An object that is partly covered stays where no side of its box moved by more pixels than this, or</param>
/// <param name="MaskOccludedThr">where more pixels of it than this are left.</param>
/// <param name="Selected">Draw which objects are pasted; otherwise all of the other image's are.</param>
/// <param name="PasteByBox">Paste whole boxes where the data set has no masks.</param>
/// <param name="Prob">How often objects are pasted.</param>
public sealed record CopyPasteOptions(
    [property: Range(1, 100_000)] int MaxNumPasted = 100,
    [property: Range(0, 100_000)] int BboxOccludedThr = 10,
    [property: Range(0, 1_000_000_000)] int MaskOccludedThr = 300,
    bool Selected = true,
    bool PasteByBox = false,
    [property: Range(0.0, 1.0)] double Prob = 1
);

/// <summary>
/// Copies objects of another image, drawn from the sample's data set, into the sample at the places where they are there. Masks of what
/// they cover are cut and their boxes made anew; objects of which too little is left are dropped. Maps get the pasted pixels' classes, too.
/// </summary>
/// <remarks>
/// Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", CVPR 2021, arXiv:2012.07177, as
/// MMDetection has it, without the softened edges of the paper. Objects that nothing covers stay as they are; MMDetection makes their
/// boxes from their masks, too. It stands after the steps that crop and pad to one size; <c>load</c> repeats these for the other image.
/// What of another size's objects lies beyond the sample is cut off. Which image depends on (seed, epoch, index) alone. The sample has no
/// <see cref="GroundTruth.BoxAnnotation"/> afterwards.
/// </remarks>
[Component("CopyPaste")]
public sealed class CopyPaste : Transform
{
    private readonly CopyPasteOptions _options;
    private readonly IReadOnlyList<Transform> _load;

    /// <param name="load">How the other image is read; LoadImage by default.</param>
    public CopyPaste(CopyPasteOptions options, IReadOnlyList<Transform>? load = null) =>
        (_options, _load) = (options, load ?? [new LoadImage(new())]);

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var other = ImagePasting.Another(ImagePasting.SourceOf(sample, "CopyPaste"), sample, _load, random);
        if (other.Truth.Boxes is { Count: > 0 } boxes)
            Paste(sample, other, Chosen(boxes.Count, random));
        return sample;
    }

    /// <summary>Pastes some of the other image's objects.</summary>
    internal void Paste(Sample sample, Sample other, int[] chosen)
    {
        if (sample.Truth.Boxes is not { } boxes)
            throw new UserErrorException($"{sample.Name}: CopyPaste is for images with boxes.");
        var (image, theirs) = (SampleGeometry.ImageOf(sample), SampleGeometry.ImageOf(other));
        ImagePasting.RequireSameKind(sample, [image, theirs], "CopyPaste");
        var (own, drawn) = (MasksOf(sample, boxes), sample.Truth.InstanceMasks is not null);
        var sources = Placed(other, chosen, image.Height, image.Width, out var pasted);
        if (sources.Length == 0)
            return;
        var covered = new Image(image.Height, image.Width, 1);
        foreach (var mask in sources)
            Unite(covered.Bytes, mask.Bytes);

        var (kept, corners, masks) = (new List<int>(), new List<float>(), new List<Image>());
        for (var i = 0; i < boxes.Count; i++)
        {
            var left = Without(own[i], covered.Bytes);
            var box = boxes.Corners.AsSpan(i * 4, 4).ToArray();
            if (left is not null && !Stays(left, ref box))
                continue;
            kept.Add(i);
            corners.AddRange(box);
            masks.Add(left ?? own[i]);
        }
        sample.Truth.Boxes = new Boxes(
            [.. corners, .. pasted.Corners],
            [.. kept.Select(i => boxes.Labels[i]), .. pasted.Labels],
            [.. kept.Select(i => boxes.Ignored[i]), .. pasted.Ignored]
        );
        sample.Truth.InstanceMasks = drawn ? [.. masks, .. sources] : null;
        sample.Image = new(MapPasting.Over(image, theirs, covered));
        MapPasting.Maps(sample, other, covered);
        (sample.Truth.BoxAnnotation, sample.Geometry) = (null, Geometry.Original(image.Height, image.Width));
    }

    /// <summary>As many as are drawn, each at most once.</summary>
    private int[] Chosen(int count, RandomSource random)
    {
        if (!_options.Selected)
            return [.. Enumerable.Range(0, count)];
        var pasted = random.Next(Math.Min(count + 1, _options.MaxNumPasted));
        return random.Permutation(count)[..pasted];
    }

    private IReadOnlyList<Image> MasksOf(Sample sample, Boxes boxes)
    {
        if (sample.Truth.InstanceMasks is { } masks && masks.Count == boxes.Count)
            return masks;
        if (!_options.PasteByBox)
            throw new UserErrorException(
                $"{sample.Name}: CopyPaste needs a mask for each box. Use a data set with masks, or set paste_by_box to true."
            );
        var (height, width) = SampleGeometry.SizeOf(sample);
        return [.. Enumerable.Range(0, boxes.Count).Select(i => Filled(boxes.Corners.AsSpan(i * 4, 4), height, width))];
    }

    /// <summary>Masks of the chosen objects on the sample's grid, and their boxes.</summary>
    private Image[] Placed(Sample other, int[] chosen, int height, int width, out Boxes pasted)
    {
        var all = other.Truth.Boxes!;
        var masks = MasksOf(other, all);
        var picked = new Boxes(
            [.. chosen.SelectMany(i => all.Corners[(i * 4)..(i * 4 + 4)])],
            [.. chosen.Select(i => all.Labels[i])],
            [.. chosen.Select(i => all.Ignored[i])]
        );
        var corners = new List<float>();
        int[] kept = [.. ImagePasting.Place(picked, (0, 0), height, width, corners)];
        pasted = new Boxes([.. corners], [.. kept.Select(i => picked.Labels[i])], [.. kept.Select(i => picked.Ignored[i])]);
        return Array.ConvertAll(kept, i => ImagePasting.Canvas([masks[chosen[i]]], [(0, 0)], height, width, [0]));
    }

    /// <summary>Whether enough is left of an object; its box becomes that of what is left.</summary>
    private bool Stays(Image left, ref float[] box)
    {
        var (area, x1, y1, x2, y2) = (0, left.Width, left.Height, 0, 0);
        for (var y = 0; y < left.Height; y++)
        {
            var row = left.Bytes.AsSpan(y * left.Width, left.Width);
            var first = row.IndexOfAnyExcept((byte)0);
            if (first < 0)
                continue;
            area += left.Width - row.Count((byte)0);
            (x1, y1, x2, y2) = (Math.Min(x1, first), Math.Min(y1, y), Math.Max(x2, row.LastIndexOfAnyExcept((byte)0) + 1), y + 1);
        }
        if (area == 0)
            return false;
        float[] found = [x1, y1, x2, y2];
        var near = true;
        for (var c = 0; c < 4; c++)
            near &= Math.Abs(found[c] - box[c]) <= _options.BboxOccludedThr;
        box = found;
        return near || area > _options.MaskOccludedThr;
    }

    /// <summary>What of a mask isn't covered; null where nothing of it is.</summary>
    private static Image? Without(Image mask, ReadOnlySpan<byte> covered)
    {
        Image? left = null;
        for (var i = 0; i < covered.Length; i++)
            if (covered[i] != 0 && mask.Bytes[i] != 0)
                (left ??= mask.Clone()).Bytes[i] = 0;
        return left;
    }

    private static void Unite(Span<byte> with, ReadOnlySpan<byte> mask)
    {
        for (var i = 0; i < with.Length; i++)
            if (mask[i] != 0)
                with[i] = 1;
    }

    /// <summary>A box as a mask: the pixels whose centres lie in it.</summary>
    private static Image Filled(ReadOnlySpan<float> box, int height, int width)
    {
        var mask = new Image(height, width, 1);
        var (left, right) = ((int)Math.Clamp(MathF.Round(box[0]), 0, width), (int)Math.Clamp(MathF.Round(box[2]), 0, width));
        for (var y = (int)Math.Clamp(MathF.Round(box[1]), 0, height); y < Math.Min(MathF.Round(box[3]), height); y++)
            if (right > left)
                mask.Bytes.AsSpan((y * width) + left, right - left).Fill(1);
        return mask;
    }
}
