using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Heads;

/// <summary>A learnt factor.</summary>
internal sealed class LevelScale : Module<Tensor, Tensor>
{
    private readonly Parameter scale = new(ones([]));

    public LevelScale()
        : base(nameof(LevelScale)) => RegisterComponents();

    public override Tensor forward(Tensor x) => x * scale;
}
