using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>Parts cut out of images and brought to one size.</summary>
internal static class PartCrops
{
    /// <summary>Bilinear, corner pixels on corner pixels. What lies outside of an image is 0, the mean colour of a normalised
    /// image.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="boxes">As many of each image, in its pixels.</param>
    /// <param name="size">Height and width.</param>
    /// <returns>[B · boxes, C, size, size], those of an image one after the other; owned by the caller's dispose scope.</returns>
    public static Tensor Of(Tensor images, IReadOnlyList<PartBox[]> boxes, int size)
    {
        using var scope = NewDisposeScope();
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        var all = boxes.SelectMany(of => of).ToArray();
        var (left, top) = (Math.Max(0, -all.Min(box => box.Left)), Math.Max(0, -all.Min(box => box.Top)));
        var (right, bottom) = (Math.Max(0, all.Max(box => box.Right) - width), Math.Max(0, all.Max(box => box.Bottom) - height));
        var padded = nn.functional.pad(images, [left, right, top, bottom]);
        var crops = new List<Tensor>(all.Length);
        foreach (var (i, of) in boxes.Index())
        {
            var image = padded.narrow(0, i, 1);
            foreach (var box in of)
            {
                var part = image.narrow(2, box.Top + top, box.Bottom - box.Top).narrow(3, box.Left + left, box.Right - box.Left);
                crops.Add(Upsampling.To(part, [size, size], alignCorners: true));
            }
        }
        return scope.MoveToOuter(cat([.. crops]));
    }
}
