using Tessera.Framework.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>x + gamma · x · n + beta, where n is a channel's length over the map, relative to the mean of all channels'.</summary>
/// <remarks>Woo et al., "ConvNeXt V2", 2023, arXiv:2301.00808, section 3. At first it hands on its input.</remarks>
internal sealed class GlobalResponseNorm : nn.Module<Tensor, Tensor>, INormalization
{
    private const double Epsilon = 1e-6;

    private readonly Parameter gamma;
    private readonly Parameter beta;

    public GlobalResponseNorm(int channels)
        : base(nameof(GlobalResponseNorm))
    {
        gamma = nn.Parameter(zeros(channels));
        beta = nn.Parameter(zeros(channels));
        RegisterComponents();
    }

    /// <param name="x">[B, H, W, channels].</param>
    /// <returns>[B, H, W, channels].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var wide = x.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? x.to(ScalarType.Float32) : x; // a sum over a whole map
        var lengths = linalg.vector_norm(wide, 2, [1, 2], keepdim: true); // [B, 1, 1, channels]
        var relative = lengths / (lengths.mean([-1], keepdim: true) + Epsilon);
        return scope.MoveToOuter(x + (x * (gamma * relative) + beta));
    }
}
