using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Moves whole samples by affine maps.</summary>
internal static class Warping
{
    /// <param name="step">Maps a point before to one after; pixel corners at integers.</param>
    /// <param name="imageFill">What lies outside: one value, or one per channel.</param>
    /// <param name="segmentationFill">null: ignored.</param>
    public static void Warp(
        Sample sample,
        Matrix3x2 step,
        int height,
        int width,
        Interpolation interpolation,
        IReadOnlyList<double> imageFill,
        int? segmentationFill = null
    ) =>
        SampleGeometry.Move(
            sample,
            step,
            height,
            width,
            (image, kind) =>
            {
                var fill =
                    kind == MapKind.Segmentation && segmentationFill is { } value ? [value] : SampleGeometry.Fill(image, kind, imageFill);
                return AffineWarp.Warp(image, step, height, width, SampleGeometry.For(kind, interpolation), fill);
            },
            cuts: true
        );
}
