using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>What stands between the two layers of a token's MLP.</summary>
public enum MlpActivation
{
    /// <summary>x Φ(x), Φ the normal distribution's.</summary>
    Gelu,

    /// <summary>x σ(1.702 x), as OpenAI's CLIP was trained with.</summary>
    QuickGelu,
}

/// <summary>Two linear layers with GELU, or something like it, between, applied to each token.</summary>
public sealed class Mlp : nn.Module<Tensor, Tensor>, IHasLayerRoles
{
    private readonly Linear fc1;
    private readonly Linear fc2;
    private readonly double _dropout;
    private readonly MlpActivation _activation;

    /// <param name="channels">Width of a token.</param>
    /// <param name="hidden">Width between the layers.</param>
    /// <param name="dropout">After each layer.</param>
    /// <param name="activation">Between them.</param>
    public Mlp(int channels, int hidden, double dropout, MlpActivation activation = MlpActivation.Gelu)
        : base(nameof(Mlp))
    {
        fc1 = Linear(channels, hidden);
        fc2 = Linear(hidden, channels);
        (_dropout, _activation) = (dropout, activation);
        RegisterComponents();
    }

    public IEnumerable<RoledLayer> LayerRoles => [new(fc1, LayerRole.Fc1), new(fc2, LayerRole.Fc2)];

    public IEnumerable<TokenBranch> Branches => [new(this, BranchKind.Mlp, fc1.weight!.shape[1], fc2.weight!.shape[0])];

    /// <param name="x">[B, N, channels].</param>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var hidden = fc1.call(x);
        hidden = _activation == MlpActivation.Gelu ? functional.gelu(hidden) : hidden * (hidden * 1.702).sigmoid();
        if (_dropout == 0)
            return scope.MoveToOuter(fc2.call(hidden));
        hidden = functional.dropout(hidden, _dropout, training);
        return scope.MoveToOuter(functional.dropout(fc2.call(hidden), _dropout, training));
    }
}
