using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>An MLP whose hidden values are the product of two linear layers, one of them through SiLU.</summary>
/// <remarks>Shazeer, "GLU Variants Improve Transformer", 2020, arXiv:2002.05202. Parameter names are timm's.</remarks>
internal sealed class SwiGlu : Module<Tensor, Tensor>, IHasLayerRoles
{
    private readonly Linear? fc1; // rows: those through SiLU, then the others
    private readonly Linear? fc1_g; // through SiLU; these two in place of fc1
    private readonly Linear? fc1_x;
    private readonly LayerNorm? norm;
    private readonly Linear fc2;
    private readonly double _dropout;

    /// <param name="channels">Width of a token.</param>
    /// <param name="hidden">Width of the product.</param>
    /// <param name="packed">One layer makes both factors.</param>
    /// <param name="normEpsilon">Of a norm of the product; null: there is none.</param>
    /// <param name="dropout">Of the product and of the output.</param>
    public SwiGlu(int channels, int hidden, bool packed, double? normEpsilon, double dropout)
        : base(nameof(SwiGlu))
    {
        if (packed)
            fc1 = Linear(channels, 2 * hidden);
        else
            (fc1_g, fc1_x) = (Linear(channels, hidden), Linear(channels, hidden));
        norm = normEpsilon is { } epsilon ? LayerNorm(hidden, epsilon) : null;
        fc2 = Linear(hidden, channels);
        _dropout = dropout;
        RegisterComponents();
    }

    public IEnumerable<RoledLayer> LayerRoles =>
        [.. new[] { fc1, fc1_g, fc1_x }.OfType<Linear>().Select(layer => new RoledLayer(layer, LayerRole.Fc1)), new(fc2, LayerRole.Fc2)];

    public IEnumerable<TokenBranch> Branches => [new(this, BranchKind.Mlp, (fc1 ?? fc1_g)!.weight!.shape[1], fc2.weight!.shape[0])];

    /// <param name="x">[B, N, channels].</param>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor gate,
            value;
        if (fc1 is null)
            (gate, value) = (fc1_g!.call(x), fc1_x!.call(x));
        else
        {
            var parts = fc1.call(x).chunk(2, -1);
            (gate, value) = (parts[0], parts[1]);
        }
        var hidden = Dropped(functional.silu(gate) * value);
        if (norm is not null)
            hidden = norm.call(hidden);
        return scope.MoveToOuter(Dropped(fc2.call(hidden)));
    }

    private Tensor Dropped(Tensor x) => _dropout > 0 ? functional.dropout(x, _dropout, training) : x;
}
