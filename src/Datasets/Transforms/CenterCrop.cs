using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Size">The crop's size. A smaller image is padded.</param>
/// <param name="PadVal">What is put around a smaller image: one value, or one per channel. By default 0.</param>
public sealed record CenterCropOptions(HeightWidth Size, double[]? PadVal = null);

/// <summary>Cuts out the middle.</summary>
[Component("CenterCrop")]
public sealed class CenterCrop(CenterCropOptions options) : Transform
{
    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var (missingHeight, missingWidth) = (Math.Max(0, options.Size.Height - height), Math.Max(0, options.Size.Width - width));
        Cropping.Pad(
            sample,
            missingWidth / 2,
            missingHeight / 2,
            missingWidth - missingWidth / 2,
            missingHeight - missingHeight / 2,
            options.PadVal ?? [0]
        );
        (height, width) = SampleGeometry.SizeOf(sample);
        // Halves are rounded to even, as torchvision does.
        var top = (int)Math.Round((height - options.Size.Height) / 2.0);
        var left = (int)Math.Round((width - options.Size.Width) / 2.0);
        Cropping.Crop(sample, top, left, options.Size.Height, options.Size.Width);
        return sample;
    }
}
