using Tessera.Framework.Models;
using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.Heads.Segmentation;

/// <summary>The feature maps that a head takes: joined to one, or each by itself.</summary>
public sealed class MapSelection
{
    private readonly int[] _chosen;

    /// <param name="chosen">Places of the maps, negative ones from the end.</param>
    /// <param name="channels">What the user says their channels are; to be checked.</param>
    /// <exception cref="UserErrorException">There is no such map, it has no extent, or its channels are others.</exception>
    public MapSelection(IReadOnlyList<int> chosen, OneOrMany<int>? channels, IFeatureSource source, string head)
    {
        var count = source.OutChannels.Count;
        if (chosen.Count == 0 || chosen.Any(i => i >= count || i < -count))
            throw new UserErrorException(
                $"{head}: in_index is {Show(chosen)}, but there are {count} maps, with {Show(source.OutChannels)} channels."
            );
        _chosen = [.. chosen.Select(i => i < 0 ? i + count : i)];
        if (_chosen.Any(i => source.OutStrides[i] == 0))
            throw new UserErrorException(
                $"{head} needs feature maps, but the backbone gives a vector. A VisionTransformer gives maps with \"features\": \"maps\"."
            );
        int[] widths = [.. _chosen.Select(i => source.OutChannels[i])];
        if (
            channels is not null
            && !channels.Items.SequenceEqual(widths)
            && !(channels.Items.Count == 1 && channels.Items[0] == widths.Sum())
        )
            throw new UserErrorException(
                $"{head}: in_channels is {Show(channels.Items)}, but the maps {Show(_chosen)} have {Show(widths)}."
            );
        (Channels, Widths, Strides) = (widths.Sum(), widths, [.. _chosen.Select(i => source.OutStrides[i])]);
    }

    /// <summary>Channels of the joined map.</summary>
    public int Channels { get; }

    /// <summary>Channels of each chosen map.</summary>
    public IReadOnlyList<int> Widths { get; }

    /// <summary>Stride of each chosen map, relative to the image.</summary>
    public IReadOnlyList<int> Strides { get; }

    /// <summary>Whether more than one map is chosen.</summary>
    public bool Several => _chosen.Length > 1;

    /// <summary>Whether two selections join the same maps.</summary>
    public bool Matches(MapSelection other) => _chosen.SequenceEqual(other._chosen);

    /// <summary>The only map as it is; several in the size of the first of them, one after the other along the channels.</summary>
    /// <param name="maps">All of them; or one, where several are chosen: what this gave before.</param>
    public Tensor Join(Tensor[] maps, bool alignCorners)
    {
        if (_chosen.Length == 1)
            return maps[_chosen[0]];
        if (maps.Length == 1)
            return maps[0];
        var size = maps[_chosen[0]].shape[2..];
        return cat([.. _chosen.Select(i => Upsampling.To(maps[i], size, alignCorners))], 1);
    }

    /// <summary>The chosen maps as they are, in the order of the choice.</summary>
    /// <param name="maps">All of them.</param>
    public Tensor[] Each(Tensor[] maps) => [.. _chosen.Select(i => maps[i])];

    /// <summary>One value as it is, several in brackets.</summary>
    internal static string Show(IReadOnlyList<int> values) => values.Count == 1 ? $"{values[0]}" : $"[{string.Join(", ", values)}]";
}
