using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <param name="Pool">Side of the grid that keys and values are pooled to.</param>
public sealed record LinearAttentionOptions([property: Range(1, 64)] int Pool = 7);

/// <summary>Keys and values from a grid of fixed size, averaged from the tokens: cost grows linearly. Leading tokens are keys as they
/// are.</summary>
/// <remarks>Wang et al., "PVT v2", 2021, arXiv:2106.13797 ("linear SRA").</remarks>
[Component("LinearAttention")]
public sealed class LinearAttention : DenseAttention
{
    private readonly Conv2d sr;
    private readonly LayerNorm norm;
    private readonly int _pool;

    public LinearAttention(LinearAttentionOptions options, AttentionShape shape)
        : base(nameof(LinearAttention), shape with { Fused = false })
    {
        _pool = options.Pool;
        sr = Conv2d(shape.Channels, shape.Channels, 1);
        norm = LayerNorm(shape.Channels);
        RegisterComponents();
    }

    public override Tensor Spread(Tensor keys, TokenGrid grid) => Core.GridShares.Parts(keys, grid, _pool, _pool);

    protected override (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x, TokenGrid grid)
    {
        var pooled = functional.adaptive_avg_pool2d(ToMap(x, grid), (_pool, _pool)); // [B, C, pool, pool]
        return FromReduced(x, functional.gelu(norm.Normed(sr.call(pooled).flatten(2).transpose(1, 2))), grid);
    }
}
