using System.ComponentModel.DataAnnotations;
using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Which sides are exchanged.</summary>
public enum FlipDirection
{
    /// <summary>Left and right.</summary>
    Horizontal,

    /// <summary>Top and bottom.</summary>
    Vertical,

    /// <summary>Both: a half turn.</summary>
    Diagonal,
}

/// <param name="Prob">How often the image is flipped.</param>
/// <param name="Direction">horizontal (left and right), vertical (top and bottom) or diagonal (both).</param>
public sealed record RandomFlipOptions([property: Range(0.0, 1.0)] double Prob = 0.5, FlipDirection Direction = FlipDirection.Horizontal);

/// <summary>Mirrors the sample with a given probability.</summary>
[Component("RandomFlip")]
public sealed class RandomFlip(RandomFlipOptions options) : Transform
{
    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(options.Prob))
            return sample;
        var (height, width) = SampleGeometry.SizeOf(sample);
        var horizontal = options.Direction != FlipDirection.Vertical;
        var vertical = options.Direction != FlipDirection.Horizontal;
        var step = new Matrix3x2(horizontal ? -1 : 1, 0, 0, vertical ? -1 : 1, horizontal ? width : 0, vertical ? height : 0);
        SampleGeometry.Move(sample, step, height, width, (image, _) => Flip(image, horizontal, vertical), cuts: false);
        var geometry = SampleGeometry.GeometryOf(sample);
        var padding = geometry.Padding;
        sample.Geometry = geometry with
        {
            FlippedHorizontally = geometry.FlippedHorizontally ^ horizontal,
            FlippedVertically = geometry.FlippedVertically ^ vertical,
            Padding = (
                horizontal ? padding.Right : padding.Left,
                vertical ? padding.Bottom : padding.Top,
                horizontal ? padding.Left : padding.Right,
                vertical ? padding.Top : padding.Bottom
            ),
        };
        return sample;
    }

    private static Image Flip(Image image, bool horizontal, bool vertical)
    {
        if (horizontal)
            image = PixelLayout.FlipHorizontal(image);
        return vertical ? PixelLayout.FlipVertical(image) : image;
    }
}
