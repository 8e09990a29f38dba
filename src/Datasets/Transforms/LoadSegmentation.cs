using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="ReduceZeroLabel">0 is "ignore" and class i is stored as i + 1.</param>
public sealed record LoadSegmentationOptions(bool ReduceZeroLabel = false);

/// <summary>Reads the segmentation map's file: one channel of class indices, or a palette whose indices they are.</summary>
[Component("LoadSegmentation")]
public sealed class LoadSegmentation(LoadSegmentationOptions options) : Transform
{
    private static readonly DecodeOptions Indices = new(ColorType.Index);

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (sample.ReadSegmentationFile is not null)
        {
            var map = ImageCodec.Decode(sample.ReadSegmentationFile(), $"{sample.Name} (segmentation map)", Indices);
            if (map.Channels != 1)
                throw new UserErrorException($"{sample.Name}: its segmentation map has {map.Channels} channels; one channel of class indices, or a palette, was expected.");
            sample.SegmentationMap = map;
        }
        if (sample.SegmentationMap is null)
            throw new UserErrorException($"{sample.Name}: the data set has no segmentation map.");
        if (options.ReduceZeroLabel)
            sample.SegmentationMap = Reduced(sample.SegmentationMap);
        return sample;
    }

    /// <summary>0 and "ignore" become "ignore", the others one less.</summary>
    private static Image Reduced(Image map)
    {
        var result = map.Clone();
        if (map.Type == PixelType.UInt8)
        {
            foreach (ref var value in result.Pixels<byte>())
                value = value is 0 or byte.MaxValue ? byte.MaxValue : (byte)(value - 1);
        }
        else
        {
            foreach (ref var value in result.Pixels<ushort>())
                value = value is 0 or ushort.MaxValue ? ushort.MaxValue : (ushort)(value - 1);
        }
        return result;
    }
}
