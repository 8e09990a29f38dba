using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Instance masks as pixels.</summary>
public static class InstanceMaskImages
{
    /// <summary>Draws a sample's annotated masks, one for each box, where it has such and they are not drawn yet. It stands before any step
    /// that moves the image.</summary>
    /// <exception cref="UserErrorException">The masks are of an image of another size.</exception>
    public static void Fill(Sample sample)
    {
        var truth = sample.Truth;
        if (truth.InstanceMasks is not null || truth.Boxes is not { } boxes || truth.BoxAnnotation?.Masks is not { } masks)
            return;
        if (masks.Count != boxes.Count)
            return;
        var (height, width) = SampleGeometry.SizeOf(sample);
        foreach (var mask in masks)
            if (mask.Height != height || mask.Width != width)
                throw new UserErrorException(
                    $"{sample.Name}: the image is {width} x {height} pixels, but its masks were made for {mask.Width} x {mask.Height}."
                );
        truth.InstanceMasks = [.. masks.Select(mask => mask.ToImage())];
    }
}
