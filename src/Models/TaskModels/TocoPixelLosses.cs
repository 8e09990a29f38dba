using Tessera.Models.Layers;
using Tessera.Models.Losses;
using Tessera.Models.PseudoLabels;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>What ToCo's decoder learns from: cross entropy with the labels of pixels, and the energy of a dense random field.</summary>
internal static class TocoPixelLosses
{
    /// <param name="logits">[B, 1 + classes, h, w].</param>
    /// <param name="labels">[B, H, W].</param>
    /// <returns>[B, 1 + classes, H, W], float32.</returns>
    public static Tensor Enlarged(Tensor logits, Tensor labels) =>
        Upsampling.To(logits, labels.shape.AsSpan(1), alignCorners: false).to(ScalarType.Float32);

    /// <summary>Half the mean over background pixels, half that over all others; a half without pixels is 0.</summary>
    /// <param name="enlarged">[B, 1 + classes, H, W].</param>
    /// <param name="labels">[B, H, W], int64, 255 ignored.</param>
    public static Tensor Segmentation(Tensor enlarged, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var terms = functional.cross_entropy(enlarged, labels, ignore_index: LabelMaps.Ignored, reduction: Reduction.None);
        var background = labels.eq(0);
        var foreground = background.logical_or(labels.eq(LabelMaps.Ignored)).logical_not();
        return scope.MoveToOuter((MeanOver(terms, background) + MeanOver(terms, foreground)) / 2);
    }

    /// <summary>See <see cref="DenseEnergy"/>.</summary>
    /// <param name="enlarged">[B, 1 + classes, H, W].</param>
    /// <param name="labels">[B, H, W], int64, 255 unknown.</param>
    /// <param name="images">[B, C, H, W], normalised.</param>
    /// <param name="deviations">By which the pipeline divided the colours, one or of each channel.</param>
    /// <param name="outside">[B, H, W], true in padding.</param>
    /// <exception cref="UserErrorException">There are other channels.</exception>
    public static Tensor Energy(Tensor enlarged, Tensor labels, Tensor images, double[] deviations, Tensor? outside)
    {
        if (deviations.Length != 1 && deviations.Length != images.shape[1])
            throw new UserErrorException(
                $"Toco: pixel_std has {deviations.Length} values, the images {images.shape[1]} channels: the std of the pipeline's "
                    + "Normalize, in units of 0 to 255, was expected."
            );
        using var scope = NewDisposeScope();
        var units = tensor(deviations, dtype: ScalarType.Float32, device: images.device).view(1, -1, 1, 1);
        return scope.MoveToOuter(DenseEnergy.Of(images.to(ScalarType.Float32) * units, enlarged.softmax(1), labels, outside));
    }

    private static Tensor MeanOver(Tensor terms, Tensor places) =>
        (terms * places.to(terms.dtype)).sum() / places.sum().to(terms.dtype).clamp_min(1);
}
