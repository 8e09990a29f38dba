using static TorchSharp.torch;

namespace Tessera.Models.Generation;

/// <param name="Brightness">Most that is added to an image's values, which span 2.</param>
/// <param name="Saturation">The distance from a pixel's mean over channels is multiplied by 1 - this to 1 + this.</param>
/// <param name="Contrast">The distance from an image's mean is multiplied by 1 - this to 1 + this.</param>
/// <param name="Translation">Most that an image is shifted, as a fraction of its sides; what comes in is 0.</param>
/// <param name="Cutout">Sides of the square that is set to 0, as a fraction of the image's; it may lie partly outside.</param>
public sealed record DiffAugmentOptions(
    [property: Range(0.0, 2.0)] double Brightness = 0.5,
    [property: Range(0.0, 1.0)] double Saturation = 1,
    [property: Range(0.0, 1.0)] double Contrast = 0.5,
    [property: Range(0.0, 1.0)] double Translation = 0.125,
    [property: Range(0.0, 1.0)] double Cutout = 0.5
);

/// <summary>Changes images at random, by steps through which gradients flow: real and generated ones alike, so that a discriminator that
/// sees few images doesn't learn them by heart, and the generator doesn't learn to draw the changes.</summary>
/// <remarks>Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020, arXiv:2006.10738: its policy colour,
/// translation, cutout, with the authors' ranges. Random numbers are the tensor library's, so that a resumed run draws the same.</remarks>
public sealed class DiffAugment(DiffAugmentOptions options)
{
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>The same shape; owned by the caller's dispose scope.</returns>
    public Tensor Apply(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = images;
        if (options.Brightness > 0)
            x = x + Factor(x, options.Brightness);
        if (options.Saturation > 0)
        {
            var mean = x.mean([1], keepdim: true);
            x = (x - mean) * (1 + Factor(x, options.Saturation)) + mean;
        }
        if (options.Contrast > 0)
        {
            var mean = x.mean([1, 2, 3], keepdim: true);
            x = (x - mean) * (1 + Factor(x, options.Contrast)) + mean;
        }
        if (options.Translation > 0)
            x = Translate(x);
        if (options.Cutout > 0)
            x = CutOut(x);
        return scope.MoveToOuter(x.alias());
    }

    /// <summary>Uniform in [-range, range), one for each image: [B, 1, 1, 1].</summary>
    private static Tensor Factor(Tensor x, double range) => (rand([x.shape[0], 1, 1, 1], device: x.device) * 2 - 1) * range;

    private Tensor Translate(Tensor x)
    {
        var (height, width) = (x.shape[2], x.shape[3]);
        var (rows, rowsIn) = Shifted(x, height);
        var (columns, columnsIn) = Shifted(x, width);
        var kept = rowsIn.unsqueeze(2) & columnsIn.unsqueeze(1); // [B, H, W]
        var moved = x.gather(2, rows.reshape(-1, 1, height, 1).expand(x.shape)).gather(3, columns.reshape(-1, 1, 1, width).expand(x.shape));
        return moved * kept.unsqueeze(1).to(x.dtype);
    }

    /// <summary>Where each of the positions along a side comes from, within the image, and whether it does: [B, side].</summary>
    private (Tensor From, Tensor Inside) Shifted(Tensor x, long side)
    {
        var most = (long)(side * options.Translation + 0.5);
        var shift = randint(-most, most + 1, [x.shape[0], 1], device: x.device);
        var from = arange(side, device: x.device).unsqueeze(0) + shift;
        return (from.clamp_min(0).clamp_max(side - 1), from.ge(0) & from.lt(side));
    }

    private Tensor CutOut(Tensor x)
    {
        var inRows = Covered(x, x.shape[2]);
        var inColumns = Covered(x, x.shape[3]);
        var cut = inRows.unsqueeze(2) & inColumns.unsqueeze(1);
        return x * cut.logical_not().unsqueeze(1).to(x.dtype);
    }

    /// <summary>Whether each of the positions along a side lies in the square: [B, side].</summary>
    private Tensor Covered(Tensor x, long side)
    {
        var length = (long)(side * options.Cutout + 0.5);
        var middle = randint(0, side + 1 - length % 2, [x.shape[0], 1], device: x.device);
        var offset = arange(side, device: x.device).unsqueeze(0) - (middle - length / 2);
        return offset.ge(0) & offset.lt(length);
    }
}
