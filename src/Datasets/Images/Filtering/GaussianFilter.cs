using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Filtering;

/// <summary>Gaussian blur: rows and columns, one after another. Any channel count and type.</summary>
/// <remarks>
/// Agrees with OpenCV's GaussianBlur (border repeated) within 1 grey level. 8-bit images have weights in 1/256, as there, and are
/// rounded once, at the end; others are computed in floats. From the exact Gaussian, noise of 8 bits differs by at most 2 levels up to a
/// deviation of 10 pixels, 3 up to 40.
/// </remarks>
public static class GaussianFilter
{
    /// <summary>Blurs an image; the border's pixels are repeated outwards.</summary>
    /// <param name="image">[H, W, C].</param>
    /// <param name="kernelSize">Side of the kernel in pixels, odd.</param>
    /// <param name="sigma">Standard deviation in pixels, above 0.</param>
    /// <returns>A new image of the same shape and type.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The kernel's size is not odd, or the deviation not a number above 0.</exception>
    public static Image Blur(Image image, int kernelSize, double sigma) => Blur(image, kernelSize, sigma, Simd.Best);

    internal static Image Blur(Image image, int kernelSize, double sigma, SimdLevel level)
    {
        if (kernelSize <= 0 || kernelSize % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(kernelSize), kernelSize, "The kernel's size is odd.");
        if (!(sigma > 0 && double.IsFinite(sigma)))
            throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "The standard deviation is above 0.");
        var result = PixelLayout.Like(image, image.Height, image.Width);
        switch (image.Type)
        {
            case PixelType.UInt8:
                ByteBlur.Blur(image, GaussianKernel.Steps(kernelSize, sigma), result, level);
                break;
            case PixelType.UInt16:
                FloatBlur.Blur<ushort>(image, GaussianKernel.Exact(kernelSize, sigma), result);
                break;
            default:
                FloatBlur.Blur<float>(image, GaussianKernel.Exact(kernelSize, sigma), result);
                break;
        }
        return result;
    }
}
