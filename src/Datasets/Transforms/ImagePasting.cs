using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>What steps that join several images of a data set have in common.</summary>
internal static class ImagePasting
{
    /// <summary>The data set that further samples come from.</summary>
    /// <param name="step">For the message.</param>
    /// <exception cref="UserErrorException">The sample belongs to none.</exception>
    public static Dataset SourceOf(Sample sample, string step) =>
        sample.Source
        ?? throw new UserErrorException(
            $"{step} needs further samples of the data set, which can't be had here; it has a place in training only."
        );

    /// <summary>A sample drawn by the random numbers alone, loaded.</summary>
    public static Sample Another(Dataset source, Sample sample, IReadOnlyList<Transform> load, RandomSource random)
    {
        var other = source.Open(random.Next(source.Count), sample.Training);
        var own = random.Split();
        foreach (var step in load)
            other = step.Apply(other, own);
        return other;
    }

    /// <exception cref="UserErrorException">The images can't lie in one picture.</exception>
    public static void RequireSameKind(Sample sample, IReadOnlyList<Image> images, string step)
    {
        if (images.Any(image => image.Channels != images[0].Channels || image.Type != images[0].Type))
            throw new UserErrorException($"{step}: {sample.Name} and the images joined with it differ in channels or depth.");
    }

    /// <summary>Moves an image's boxes to where it is pasted, and clips them there.</summary>
    /// <param name="corners">Takes the corners of those of which something is left.</param>
    /// <returns>The indices of these.</returns>
    public static IEnumerable<int> Place(Boxes boxes, (int Left, int Top) place, int height, int width, List<float> corners)
    {
        var kept = new List<int>(boxes.Count);
        for (var b = 0; b < boxes.Count; b++)
        {
            var box = boxes.Corners.AsSpan(b * 4, 4);
            var (x1, y1) = (Math.Clamp(box[0] + place.Left, 0, width), Math.Clamp(box[1] + place.Top, 0, height));
            var (x2, y2) = (Math.Clamp(box[2] + place.Left, 0, width), Math.Clamp(box[3] + place.Top, 0, height));
            if (!(x2 > x1 && y2 > y1))
                continue;
            corners.AddRange(x1, y1, x2, y2);
            kept.Add(b);
        }
        return kept;
    }

    /// <summary>Panoptic maps on a ground of no segment; each keeps segments of its own.</summary>
    public static PanopticMap Panoptic(PanopticMap[] maps, ReadOnlySpan<(int Left, int Top)> places, int height, int width)
    {
        var pictures = new Image[maps.Length];
        var segments = new List<PanopticSegment>();
        for (var i = 0; i < maps.Length; i++)
        {
            pictures[i] = maps[i].Map.Clone();
            if (segments.Count + maps[i].Segments.Count > PanopticMap.Void)
                throw new UserErrorException($"{maps.Length} images joined have more than {PanopticMap.Void} segments.");
            foreach (ref var value in pictures[i].Pixels<ushort>())
                if (value != PanopticMap.Void)
                    value += (ushort)segments.Count;
            segments.AddRange(maps[i].Segments);
        }
        return new PanopticMap(Canvas(pictures, places, height, width, [PanopticMap.Void]), segments);
    }

    /// <summary>Pictures on a ground of one colour, cut off where they reach beyond it.</summary>
    public static Image Canvas(
        Image[] pictures,
        ReadOnlySpan<(int Left, int Top)> places,
        int height,
        int width,
        IReadOnlyList<double> fill
    )
    {
        var canvas = new Image(height, width, pictures[0].Channels, pictures[0].Type);
        Padding.FillRow(canvas.Bytes, Padding.Pixel(canvas, fill));
        var size = canvas.PixelSize();
        for (var i = 0; i < pictures.Length; i++)
        {
            var (picture, left, top) = (pictures[i], places[i].Left, places[i].Top);
            var (from, to) = (Math.Max(0, -left), Math.Min(picture.Width, width - left));
            if (from >= to)
                continue;
            for (var row = Math.Max(0, -top); row < Math.Min(picture.Height, height - top); row++)
                picture
                    .Bytes.AsSpan((row * picture.Width + from) * size, (to - from) * size)
                    .CopyTo(canvas.Bytes.AsSpan(((row + top) * width + left + from) * size));
        }
        return canvas;
    }
}
