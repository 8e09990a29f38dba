using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Tools.Statistics;

/// <summary>What tells whether two images show the same: their bytes, a perceptual hash, and a thumbnail to make sure.</summary>
/// <remarks>
/// The hash is a difference hash in both directions: bit i says whether a cell of a coarse grey grid is brighter than its
/// neighbour. Neal Krawetz, "Kind of Like That", 2013. Changes of size, brightness and compression turn few bits or none.
/// </remarks>
/// <param name="Exact">The first half of the SHA-256 of the file, or of the pixels where there is none.</param>
/// <param name="Columns">Differences along rows.</param>
/// <param name="Rows">Differences along columns.</param>
/// <param name="Thumbnail">[16, 16], grey.</param>
internal sealed record Fingerprint(UInt128 Exact, ulong Columns, ulong Rows, byte[] Thumbnail)
{
    private const int Grid = 8,
        Side = 16,
        Enough = 4 * Grid;

    /// <summary>Differing bits, of 128.</summary>
    public int Distance(Fingerprint other) => BitOperations.PopCount(Columns ^ other.Columns) + BitOperations.PopCount(Rows ^ other.Rows);

    /// <summary>Correlation of the thumbnails, -1 to 1. Two flat images are alike where their grey is.</summary>
    public double Similarity(Fingerprint other)
    {
        double sumX = 0,
            sumY = 0,
            xx = 0,
            yy = 0,
            xy = 0;
        for (var i = 0; i < Thumbnail.Length; i++)
        {
            double x = Thumbnail[i],
                y = other.Thumbnail[i];
            (sumX, sumY, xx, yy, xy) = (sumX + x, sumY + y, xx + x * x, yy + y * y, xy + x * y);
        }
        double n = Thumbnail.Length,
            varianceX = xx / n - sumX / n * (sumX / n),
            varianceY = yy / n - sumY / n * (sumY / n);
        if (varianceX < 1 || varianceY < 1)
            return varianceX < 1 && varianceY < 1 && Math.Abs(sumX - sumY) / n < 3 ? 1 : 0;
        return (xy / n - sumX / n * (sumY / n)) / Math.Sqrt(varianceX * varianceY);
    }

    /// <summary>Of a file, decoded as small as will do.</summary>
    public static Fingerprint Of(ReadOnlyMemory<byte> file, EncodedImage image)
    {
        var denominator = 1;
        while (denominator < 8 && Math.Min(image.Height, image.Width) / (denominator * 2) >= Enough)
            denominator *= 2;
        return Of(file.Span, image.Decode(denominator));
    }

    /// <summary>Of pixels that no file holds.</summary>
    public static Fingerprint Of(Image image) => Of(image.Bytes, image);

    private static Fingerprint Of(ReadOnlySpan<byte> bytes, Image image)
    {
        var gray = image is { Channels: 1, Type: PixelType.UInt8 } ? image : Gray(Photograph.Of(image));
        var wide = Resampler.Resize(gray, Grid, Grid + 1, Interpolation.Box).Bytes;
        var high = Resampler.Resize(gray, Grid + 1, Grid, Interpolation.Box).Bytes;
        ulong columns = 0,
            rows = 0;
        for (var i = 0; i < Grid * Grid; i++)
        {
            var (y, x) = Math.DivRem(i, Grid);
            if (wide[y * (Grid + 1) + x + 1] > wide[y * (Grid + 1) + x])
                columns |= 1UL << i;
            if (high[i + Grid] > high[i])
                rows |= 1UL << i;
        }
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return new(
            BinaryPrimitives.ReadUInt128BigEndian(hash),
            columns,
            rows,
            (byte[])Resampler.Resize(gray, Side, Side, Interpolation.Box).Bytes.Clone()
        );
    }

    private static Image Gray(Image image)
    {
        var gray = new Image(image.Height, image.Width, 1);
        for (var i = 0; i < gray.Bytes.Length; i++)
            gray.Bytes[i] = (byte)((image.Bytes[3 * i] * 299 + image.Bytes[3 * i + 1] * 587 + image.Bytes[3 * i + 2] * 114 + 500) / 1000);
        return gray;
    }
}
