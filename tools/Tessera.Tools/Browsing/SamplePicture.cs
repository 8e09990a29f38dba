using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Tools.Browsing;

/// <summary>A sample as its files have it and as the pipeline gives it, each with its truth, side by side.</summary>
internal sealed class SamplePicture(Dataset dataset, long seed, bool training, int variants, double opacity)
{
    private const int SmallestSide = 160; // smaller pictures are enlarged, so that their names can be read

    private readonly Rgb[] _colors = ClassColors.Of(dataset.Info);

    /// <summary>What the annotation says in words; empty where it is drawn.</summary>
    public string Truth(Sample sample) => string.Join(", ", Words(sample));

    /// <returns>The picture, its owner disposes it; and the words that belong to it.</returns>
    public (Drawing Picture, string Name, string Truth) Draw(int index)
    {
        var before = Load(index);
        var plain = Pixels(before);
        var panels = new List<(string, Image)> { ($"original, {plain.Width} x {plain.Height}", Enlarged(plain)) };
        if (IsDrawn(before))
            panels.Add(("with truth", Overlaid(plain, before)));
        var shown = new SortedSet<int>(Classes(before));
        for (var epoch = 0; epoch < variants; epoch++)
        {
            var after = Apply(dataset.Pipeline, index, epoch);
            var pixels = Pixels(after);
            var title = variants == 1 ? "pipeline" : $"epoch {epoch}";
            var apart = (MapOf(after) ?? after.Truth.Panoptic?.Map) is { } map && (map.Height, map.Width) != (pixels.Height, pixels.Width);
            panels.Add(($"{title}, {pixels.Width} x {pixels.Height}{(apart ? " (the map keeps its size)" : "")}", Overlaid(pixels, after)));
            shown.UnionWith(Classes(after));
            foreach (var (name, extra) in after.Truth.ExtraMaps)
                panels.Add(($"{name}, epoch {epoch}", Enlarged(Photograph.Of(extra))));
        }
        return (Overlays.SideBySide(panels, [.. shown.Select(c => (dataset.Info.Classes[c], _colors[c]))]), before.Name, Truth(before));
    }

    /// <summary>As the files have it: read, and nothing done to it.</summary>
    private Sample Load(int index) => Apply([.. dataset.Pipeline.Where(step => step.Loads)], index, 0);

    /// <summary>What a training reads in that epoch, if no other setting changes it.</summary>
    private Sample Apply(IReadOnlyList<Transform> steps, int index, int epoch)
    {
        var random = RandomSource.For(seed, epoch, index);
        // what is shown as the original is decoded at full size
        var sample = dataset.Open(index, training && steps.Count == dataset.Pipeline.Count);
        foreach (var step in steps)
        {
            sample = step.Apply(sample, random);
            if (step is LoadImage)
                InstanceMaskImages.Fill(sample); // in an evaluation nobody else draws them
        }
        return sample;
    }

    private static Image Pixels(Sample sample) => Photograph.Of(sample.Image!.Take().Pixels);

    /// <summary>A map beside other truth may number its classes otherwise.</summary>
    private Image? MapOf(Sample sample) => dataset.Info.Task == DataTask.Segmentation ? sample.Truth.SegmentationMap : null;

    private bool IsDrawn(Sample sample) =>
        MapOf(sample) is not null
        || sample.Truth.Panoptic is not null
        || sample.Truth.Boxes is not null
        || sample.Truth.InstanceMasks is { Count: > 0 };

    private Image Overlaid(Image pixels, Sample sample)
    {
        if (MapOf(sample) is { } map && (map.Height, map.Width) == (pixels.Height, pixels.Width))
            pixels = Overlays.Segmentation(pixels, map, _colors, opacity);
        if (sample.Truth.Panoptic is { } panoptic && (panoptic.Height, panoptic.Width) == (pixels.Height, pixels.Width))
            pixels = PanopticOverlay.Draw(pixels, panoptic, dataset.Info, opacity);
        if (
            sample.Truth.InstanceMasks is { Count: > 0 } masks
            && masks.All(mask => (mask.Height, mask.Width) == (pixels.Height, pixels.Width))
        )
            pixels = Overlays.Masks(
                pixels,
                masks,
                [
                    .. masks.Select(
                        (_, i) =>
                            sample.Truth.Boxes is { } owners && i < owners.Count ? ColorOf(owners.Labels[i]) : _colors[i % _colors.Length]
                    ),
                ],
                opacity
            );
        var scale = Scale(pixels);
        pixels = Enlarged(pixels);
        if (sample.Truth.Boxes is not { } boxes)
            return pixels;
        using var drawing = Drawing.On(pixels);
        Overlays.Boxes(
            drawing,
            Array.ConvertAll(boxes.Corners, corner => corner * scale),
            boxes.Labels,
            dataset.Info.Classes,
            _colors,
            ignored: boxes.Ignored
        );
        return drawing.ToImage();
    }

    private Rgb ColorOf(int label) => label >= 0 && label < _colors.Length ? _colors[label] : Rgb.Gray;

    private IEnumerable<int> Classes(Sample sample)
    {
        var classes = dataset.Info.Classes.Count;
        if (MapOf(sample) is { } map)
            return Overlays.ClassesIn(map, classes);
        if (sample.Truth.Panoptic is { } panoptic)
            return PanopticOverlay.ClassesIn(panoptic, classes);
        return sample.Truth.Boxes is { } boxes ? boxes.Labels.Where(label => label >= 0 && label < classes) : [];
    }

    private IEnumerable<string> Words(Sample sample)
    {
        var names = dataset.Info.Classes;
        if (sample.Truth.Label is { } label)
            yield return label >= 0 && label < names.Count ? names[label] : $"label {label}, which is no class";
        if (sample.Truth.MultiLabel is { } labels && dataset.Info.Task == DataTask.MultiLabel)
            for (var c = 0; c < labels.Length; c++)
                if (labels[c] > 0.5f)
                    yield return names[c];
        if (sample.Truth.Targets is { } targets)
            for (var t = 0; t < targets.Length; t++)
                yield return string.Create(CultureInfo.InvariantCulture, $"{names[t]} {targets[t]:0.####}");
        if (sample.Truth.Boxes is { } boxes)
            yield return $"{boxes.Count} boxes";
    }

    private static int Scale(Image image) =>
        Math.Max(1, (SmallestSide + Math.Min(image.Height, image.Width) - 1) / Math.Min(image.Height, image.Width));

    private static Image Enlarged(Image image) =>
        Scale(image) is > 1 and var scale
            ? Resampler.Resize(image, image.Height * scale, image.Width * scale, Interpolation.Nearest)
            : image;
}
