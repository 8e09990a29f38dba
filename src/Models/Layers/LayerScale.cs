using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>A learned factor for each channel of a residual branch, small at first.</summary>
/// <remarks>Touvron et al., "Going deeper with Image Transformers", 2021, arXiv:2103.17239.</remarks>
public sealed class LayerScale : nn.Module<Tensor, Tensor>
{
    private readonly Parameter gamma;

    /// <param name="channels">Size of the last dimension.</param>
    /// <param name="initial">The factor at first.</param>
    public LayerScale(int channels, double initial)
        : base(nameof(LayerScale))
    {
        gamma = nn.Parameter(full(channels, initial, dtype: ScalarType.Float32));
        RegisterComponents();
    }

    /// <param name="x">[…, channels].</param>
    public override Tensor forward(Tensor x) => x * gamma;
}
