using Tessera.Datasets.Images;
using Tessera.Datasets.Segmentation;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Reads the segmentation map's file and turns its values, or colours, into class indices by the data set's table; 255 is
/// ignored.</summary>
/// <remarks>
/// Before the steps that move the image (in training), the map moves along. After them (in evaluation), it keeps the original
/// size, which is what predictions are compared in.
/// </remarks>
[Component("LoadSegmentation")]
public sealed class LoadSegmentation : Transform
{
    private static readonly LabelTable Indices = new(
        [.. Enumerable.Range(0, LabelTable.MostClasses).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture))],
        [
            .. Enumerable.Range(0, LabelTable.MostClasses + 1).Select(i => KeyValuePair.Create(i, (byte)i)),
            new(ushort.MaxValue, LabelTable.Ignore),
        ],
        byColor: false
    );

    public override bool ReadsTruth => true;

    public override bool Loads => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var file = sample.SegmentationFile;
        if (file?.Read is { } read)
        {
            var table = file.Table ?? Indices;
            sample.Truth.SegmentationMap = table.Apply(LabelFile.Decode(read(), file.Name, table.ByColor), file.Name);
            RequireSize(sample, file.Name);
        }
        if (sample.Truth.SegmentationMap is not null)
            return sample;
        throw file is not null
            ? LabelErrors.NoPartner(sample.Name, file.Name)
            : new UserErrorException($"{sample.Name}: the data set has no segmentation map.");
    }

    /// <summary>The file's size is that of the photograph's file, whatever became of the photograph since.</summary>
    private static void RequireSize(Sample sample, string name)
    {
        var map = sample.Truth.SegmentationMap!;
        if (sample.Geometry is { } geometry && (map.Height, map.Width) != (geometry.OriginalHeight, geometry.OriginalWidth))
            throw LabelErrors.OtherSize(name, map.Height, map.Width, sample.Name, geometry.OriginalHeight, geometry.OriginalWidth);
    }
}
