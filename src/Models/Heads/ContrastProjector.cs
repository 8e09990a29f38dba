using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads;

/// <summary>A vector to its embedding for a contrast: three linear layers with GELU between, unit length, and a linear layer whose rows
/// have unit length.</summary>
/// <remarks>Caron et al., "Emerging Properties in Self-Supervised Vision Transformers" (DINO), 2021, arXiv:2104.14294, with a frozen norm
/// of the last layer.</remarks>
public sealed class ContrastProjector : nn.Module<Tensor, Tensor>
{
    private const int Bottleneck = 256;

    private readonly Sequential mlp;
    private readonly UnitLinear last_layer;

    /// <param name="channels">Of the vector.</param>
    /// <param name="hidden">Width of the hidden layers.</param>
    /// <param name="dim">Of the embedding.</param>
    public ContrastProjector(int channels, int hidden, int dim)
        : base(nameof(ContrastProjector))
    {
        mlp = Sequential(Linear(channels, hidden), GELU(), Linear(hidden, hidden), GELU(), Linear(hidden, Bottleneck));
        last_layer = new UnitLinear(Bottleneck, dim);
        RegisterComponents();
        Weights.Transformer(this);
    }

    /// <param name="x">[B, channels].</param>
    /// <returns>[B, dim].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(last_layer.call(functional.normalize(mlp.call(x), p: 2, dim: -1)));
    }

    /// <summary>Becomes a share of another's weights and the rest of its own; without gradient.</summary>
    /// <param name="momentum">The share that stays, in [0, 1].</param>
    public void Follow(ContrastProjector other, double momentum)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        foreach (var (own, theirs) in parameters().Zip(other.parameters()))
            own.mul_(momentum).add_(theirs * (1 - momentum));
    }

    private sealed class UnitLinear : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter weight_v; // [dim, channels]

        public UnitLinear(int channels, int dim)
            : base(nameof(UnitLinear))
        {
            var bound = 1 / Math.Sqrt(channels);
            weight_v = Parameter(empty(dim, channels).uniform_(-bound, bound));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return scope.MoveToOuter(functional.linear(x, weight_v / weight_v.norm(1, keepdim: true, p: 2)));
        }
    }
}
