using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Crops and pads whole samples.</summary>
internal static class Cropping
{
    public static void Crop(Sample sample, int top, int left, int height, int width)
    {
        if (SampleGeometry.SizeOf(sample) == (height, width))
            return;
        SampleGeometry.Move(
            sample,
            Matrix3x2.CreateTranslation(-left, -top),
            height,
            width,
            (image, _) => PixelLayout.Crop(image, top, left, height, width),
            cuts: true,
            needed: 1,
            waiting => waiting is ResizedImage resized ? resized.Crop(top, left, height, width) : null
        );
    }

    /// <param name="imageFill">One value, or one per channel.</param>
    /// <param name="segmentationFill">null: ignored.</param>
    public static void Pad(
        Sample sample,
        int left,
        int top,
        int right,
        int bottom,
        IReadOnlyList<double> imageFill,
        PaddingMode mode = PaddingMode.Constant,
        int? segmentationFill = null
    )
    {
        if (left == 0 && top == 0 && right == 0 && bottom == 0)
            return;
        var (height, width) = SampleGeometry.SizeOf(sample);
        SampleGeometry.Move(
            sample,
            Matrix3x2.CreateTranslation(left, top),
            height + top + bottom,
            width + left + right,
            (image, kind) =>
            {
                var fill =
                    kind == MapKind.Segmentation && segmentationFill is { } value ? [value] : SampleGeometry.Fill(image, kind, imageFill);
                return Padding.Pad(image, left, top, right, bottom, fill, mode);
            },
            cuts: false
        );
        var geometry = SampleGeometry.GeometryOf(sample);
        var padding = geometry.Padding;
        sample.Geometry = geometry with
        {
            Padding = (padding.Left + left, padding.Top + top, padding.Right + right, padding.Bottom + bottom),
        };
    }
}
