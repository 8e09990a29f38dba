using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Necks;

/// <summary>Averages each map over its places and joins the averages, vectors as they are: one vector an image.</summary>
/// <remarks>Over a transformer's maps and its class token it gives what linear probes are often trained on, as in Oquab et al., "DINOv2",
/// 2023, arXiv:2304.07193: the mean of the patch tokens and the class token, side by side.</remarks>
[Component("PooledMaps")]
public sealed class PooledMaps : Neck
{
    /// <param name="source">The backbone.</param>
    public PooledMaps(IFeatureSource source)
        : base(nameof(PooledMaps))
    {
        OutChannels = [source.OutChannels.Sum()];
        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides => [0];

    /// <param name="maps">[B, C, H, W] or [B, C] each.</param>
    /// <returns>One vector, [B, the sum of all C].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        return [scope.MoveToOuter(cat([.. maps.Select(map => map.dim() == 2 ? map : map.mean([2, 3]))], 1))];
    }
}
