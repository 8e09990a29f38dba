using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Models.TaskModels;

/// <summary>Where in the original image a mask of a box's size lies, and what it is at each pixel: bilinear, 0 around it.</summary>
/// <param name="Left">The first column that the mask may reach; the others likewise, right and bottom excluded.</param>
internal readonly record struct MaskPlace(int Left, int Top, int Right, int Bottom)
{
    private const int Border = 1; // torchvision's rim of zeros

    // A pixel (column x, row y) lies in the mask at (UByX · x + UByY · y + U, VByX · x + VByY · y + V), cells' centres at whole numbers.
    private double UByX { get; init; }
    private double UByY { get; init; }
    private double U { get; init; }
    private double VByX { get; init; }
    private double VByY { get; init; }
    private double V { get; init; }

    /// <summary>Pixels' centres, brought into the box.</summary>
    /// <param name="size">Cells along each side of the mask.</param>
    /// <param name="box">x1, y1, x2, y2 in pixels of the tensor.</param>
    /// <param name="found">The upright box around it in pixels of the original image.</param>
    /// <param name="toTensor">A point of the original image to one of the tensor.</param>
    public static MaskPlace Sampled(
        int size,
        ReadOnlySpan<float> box,
        ReadOnlySpan<float> found,
        Matrix3x2 toTensor,
        (int Height, int Width) image
    )
    {
        var (across, down) = (size / Math.Max(1e-6, box[2] - box[0]), size / Math.Max(1e-6, box[3] - box[1]));
        // Half a cell beyond the box the mask has faded to nothing.
        var (spareX, spareY) = ((found[2] - found[0]) / (2.0 * size), (found[3] - found[1]) / (2.0 * size));
        var (firstX, firstY) = Through(toTensor, 0.5, 0.5);
        return new MaskPlace(
            Inside(found[0] - spareX - 1, image.Width),
            Inside(found[1] - spareY - 1, image.Height),
            Inside(found[2] + spareX + 2, image.Width),
            Inside(found[3] + spareY + 2, image.Height)
        )
        {
            UByX = toTensor.M11 * across,
            UByY = toTensor.M21 * across,
            U = ((firstX - box[0]) * across) - 0.5,
            VByX = toTensor.M12 * down,
            VByY = toTensor.M22 * down,
            V = ((firstY - box[1]) * down) - 0.5,
        };
    }

    /// <summary>The mask with a rim of zeros, resized to the box around both in whole pixels, as torchvision pastes it.</summary>
    /// <param name="box">x1, y1, x2, y2 in pixels of the original image.</param>
    /// <param name="mirrored">Left and right are exchanged in the tensor.</param>
    /// <param name="upsideDown">Top and bottom are.</param>
    public static MaskPlace WholePixels(int size, ReadOnlySpan<float> box, bool mirrored, bool upsideDown, (int Height, int Width) image)
    {
        var (left, width) = Whole(box[0], box[2], size);
        var (top, height) = Whole(box[1], box[3], size);
        var (across, down) = ((double)(size + (2 * Border)) / width, (double)(size + (2 * Border)) / height);
        var (u, v) = (((0.5 - left) * across) - 0.5 - Border, ((0.5 - top) * down) - 0.5 - Border);
        return new MaskPlace(
            Inside(left, image.Width),
            Inside(top, image.Height),
            Inside(left + width, image.Width),
            Inside(top + height, image.Height)
        )
        {
            UByX = mirrored ? -across : across,
            U = mirrored ? size - 1 - u : u,
            VByY = upsideDown ? -down : down,
            V = upsideDown ? size - 1 - v : v,
        };
    }

    /// <summary>The mask in the image.</summary>
    /// <param name="mask">[size * size], probabilities.</param>
    /// <param name="threshold">From this on a pixel is in it.</param>
    public RunLengthMask Paste(ReadOnlySpan<float> mask, int size, float threshold, (int Height, int Width) image)
    {
        var runs = new Runs();
        runs.Add(false, Left * image.Height);
        for (var x = Left; x < Right; x++)
        {
            runs.Add(false, Top);
            for (var y = Top; y < Bottom; y++)
                runs.Add(At(mask, size, (UByX * x) + (UByY * y) + U, (VByX * x) + (VByY * y) + V) >= threshold, 1);
            runs.Add(false, image.Height - Bottom);
        }
        runs.Add(false, (image.Width - Right) * image.Height);
        return new RunLengthMask(image.Height, image.Width, runs.Lengths());
    }

    private static float At(ReadOnlySpan<float> mask, int size, double u, double v)
    {
        if (!(u > -1 && u < size && v > -1 && v < size))
            return -1; // beyond the mask: out, whatever the threshold
        var (column, row) = ((int)Math.Floor(u), (int)Math.Floor(v));
        var (right, below) = ((float)(u - column), (float)(v - row));
        return ((1 - below) * OfRow(mask, size, row, column, right)) + (below * OfRow(mask, size, row + 1, column, right));
    }

    private static float OfRow(ReadOnlySpan<float> mask, int size, int row, int column, float right)
    {
        if ((uint)row >= (uint)size)
            return 0;
        var line = mask.Slice(row * size, size);
        return ((1 - right) * (column >= 0 ? line[column] : 0)) + (right * (column + 1 < size ? line[column + 1] : 0));
    }

    private static (double X, double Y) Through(Matrix3x2 map, double x, double y) =>
        ((x * map.M11) + (y * map.M21) + map.M31, (x * map.M12) + (y * map.M22) + map.M32);

    private static (int Start, int Length) Whole(float low, float high, int size)
    {
        var scale = (float)(size + (2 * Border)) / size;
        var (half, centre) = ((high - low) * 0.5f * scale, (high + low) * 0.5f);
        var (start, end) = ((int)(centre - half), (int)(centre + half)); // towards 0
        return (start, Math.Max(1, end - start + 1));
    }

    private static int Inside(double at, int length) => (int)Math.Clamp(Math.Floor(at), 0, length);

    /// <summary>Lengths of runs outside and inside, in turn.</summary>
    private sealed class Runs
    {
        private readonly List<int> _lengths = [];
        private bool _inside;
        private int _length;

        public void Add(bool inside, int count)
        {
            if (count == 0)
                return;
            if (inside != _inside)
            {
                _lengths.Add(_length);
                (_inside, _length) = (inside, 0);
            }
            _length += count;
        }

        public IReadOnlyList<int> Lengths() => [.. _lengths, _length];
    }
}
