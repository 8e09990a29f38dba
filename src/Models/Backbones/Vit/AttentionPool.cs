using Tessera.Framework.Models.Peft;
using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Vit;

/// <summary>One vector from all tokens: a learned query attends them, and an MLP is added.</summary>
/// <remarks>Zhai et al., "Scaling Vision Transformers", 2022, arXiv:2106.04560 ("MAP head"), as SigLIP has it. Parameter names are
/// timm's.</remarks>
internal sealed class AttentionPool : Module<Tensor, Tensor>, IHasLayerRoles
{
    private readonly Parameter latent; // [1, 1, C]
    private readonly Linear q;
    private readonly Linear kv;
    private readonly Linear proj;
    private readonly LayerNorm norm;
    private readonly Mlp mlp;
    private readonly int _heads;

    public AttentionPool(int width, int heads, double mlpRatio, MlpActivation activation, double epsilon)
        : base(nameof(AttentionPool))
    {
        _heads = heads;
        latent = Parameter(zeros(1, 1, width));
        q = Linear(width, width);
        kv = Linear(width, 2 * width);
        proj = Linear(width, width);
        norm = LayerNorm(width, epsilon);
        mlp = new Mlp(width, (int)(width * mlpRatio), 0, activation);
        RegisterComponents();
        Initialize.TruncatedNormal(latent, deviation: 1 / Math.Sqrt(width));
    }

    public IEnumerable<RoledLayer> LayerRoles =>
        [new(q, LayerRole.Query), new(kv, LayerRole.Key, 0, 2), new(kv, LayerRole.Value, 1, 2), new(proj, LayerRole.Proj)];

    /// <param name="x">[B, N, C].</param>
    /// <returns>[B, C].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (batch, tokens, width) = (x.shape[0], x.shape[1], x.shape[2]);
        var queries = q.call(latent).expand(batch, -1, -1).reshape(batch, 1, _heads, -1).transpose(1, 2); // [B, heads, 1, d]
        var pair = kv.call(x).view(batch, tokens, 2, _heads, -1).permute(2, 0, 3, 1, 4).unbind(0); // [B, heads, N, d] each
        var mixed = functional.scaled_dot_product_attention(queries, pair[0], pair[1]).transpose(1, 2).reshape(batch, 1, width);
        var pooled = proj.call(mixed);
        return scope.MoveToOuter((pooled + mlp.call(norm.call(pooled))).select(1, 0));
    }
}
