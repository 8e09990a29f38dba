using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.Heads.Segmentation;

/// <summary>A segmentation head that takes several maps, each by itself; all by default.</summary>
public abstract class PyramidHead : SegmentationHead
{
    /// <inheritdoc cref="SegmentationHead"/>
    private protected PyramidHead(
        string name,
        SegmentationHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss,
        IReadOnlyDictionary<string, Loss>? losses
    )
        : base(name, options, source, data, loss, losses, [.. Enumerable.Range(0, source.OutChannels.Count)])
    {
        if (Widths.Count >= 2)
            return;
        var (given, count) = (options.InIndex?.Items, source.OutChannels.Count);
        throw new UserErrorException(
            count < 2
                ? $"{name} takes two maps or more, but the {(source is Neck ? "neck" : "backbone")} gives one. An option "
                    + "\"out_indices\" gives more of a backbone's maps; a MultiLevelNeck makes several of one."
                : $"{name} takes two maps or more, but in_index is {MapSelection.Show(given!)}; there are {count} maps. For example: "
                    + $"\"in_index\": [{string.Join(", ", Enumerable.Range(0, count))}]."
        );
    }

    /// <summary>Channels of each map that is taken.</summary>
    protected IReadOnlyList<int> Widths => Selection.Widths;

    internal sealed override bool Joins(MapSelection maps, bool alignCorners) => false;

    /// <summary>The maps that are taken, in the order of in_index.</summary>
    protected Tensor[] Each(Tensor[] maps) => Selection.Each(maps);

    /// <summary>A map in the size of another.</summary>
    /// <returns>[B, C, h, w], h and w as the other has them.</returns>
    protected Tensor Like(Tensor map, Tensor other) => Upsampling.To(map, other.shape.AsSpan(2), AlignCorners);
}
