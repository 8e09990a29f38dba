using System.Globalization;
using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Pictures of 10, 12 or 14 bits in files of 16: the values fill the lower bits, and reading 8 bits takes the upper ones, which
/// are black.</summary>
internal static class PixelDepth
{
    private const int Looked = 8,
        MostBits = 14;

    /// <summary>A note where all of a few images, spread over the data, are so; they are decoded for it. Files that can't be read are
    /// passed over: reading tells of them.</summary>
    public static IEnumerable<string> Notes(Dataset data)
    {
        if (data.Count == 0 || data.Pipeline.OfType<LoadImage>().FirstOrDefault() is not { ColorType: not ColorType.Unchanged })
            yield break;
        var (greatest, wide, first) = (0, 0, "");
        var count = Math.Min(Looked, data.Count);
        for (var i = 0; i < count; i++)
        {
            var sample = data.Get((int)((long)i * data.Count / count));
            if (Greatest(sample) is not { } value)
                continue;
            if (value < 0)
                yield break; // of 8 bits
            if (wide++ == 0)
                first = sample.Name;
            greatest = Math.Max(greatest, value);
        }
        if (wide == 0 || greatest == 0)
            yield break;
        var bits = BitOperations.Log2((uint)greatest) + 1;
        if (bits > MostBits)
            yield break;
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"the images' files have 16 bits a channel, but their values reach only {greatest:N0}, so that they hold {bits} bits "
                + $"({first} …). LoadImage takes the upper 8 of the 16: {greatest >> 8} is the brightest that is left of 255. "
                + $"\"color_type\": \"unchanged\" in LoadImage keeps the values; Normalize's mean and std are then of 0 to "
                + $"{(1 << bits) - 1:N0}, and the model's in_channels the file's."
        );
    }

    /// <summary>The greatest value of an image of 16 bits; -1 for one of 8; null where it can't be read.</summary>
    private static int? Greatest(Sample sample)
    {
        if (sample.ReadFile is null)
            return null;
        try
        {
            var bytes = sample.ReadFile();
            if (ImageCodec.Detect(bytes.Span) is not (ImageFormat.Png or ImageFormat.Tiff))
                return -1; // no other format has more than 8
            var image = ImageCodec.Decode(bytes, sample.Name, new DecodeOptions(ColorType.Unchanged));
            if (image.Type != PixelType.UInt16)
                return -1;
            var greatest = 0;
            foreach (var value in image.Pixels<ushort>())
                greatest = Math.Max(greatest, value);
            return greatest;
        }
        catch (UserErrorException)
        {
            return null;
        }
    }
}
