using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Tools.Pages;

/// <summary>Pictures that lie within a page.</summary>
internal static class PagePicture
{
    /// <summary>What an img element takes.</summary>
    public static string Address(byte[] jpeg) => $"data:image/jpeg;base64,{Convert.ToBase64String(jpeg)}";

    /// <summary>A JPEG file of at most so many bytes: smaller and of less quality where it must be.</summary>
    /// <param name="longest">Pixels of its longer side, at most.</param>
    /// <param name="budget">Bytes.</param>
    public static byte[] Encode(Image image, int longest, int budget)
    {
        for (var quality = 85; ; longest = longest * 3 / 4, quality = 75)
        {
            var jpeg = ImageCodec.EncodeJpeg(Shrunk(image, longest), quality);
            if (jpeg.Length <= budget || longest <= 64)
                return jpeg;
        }
    }

    private static Image Shrunk(Image image, int longest)
    {
        var scale = (double)longest / Math.Max(image.Height, image.Width);
        return scale >= 1
            ? image
            : Resampler.Resize(
                image,
                Math.Max(1, (int)Math.Round(scale * image.Height)),
                Math.Max(1, (int)Math.Round(scale * image.Width)),
                Interpolation.Bilinear
            );
    }
}
