using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>A convolution under the name that MMCV's module gives it.</summary>
internal sealed class LevelConv : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;

    public LevelConv(int width, int channels, int kernel)
        : base(nameof(LevelConv))
    {
        conv = Conv2d(width, channels, kernel, padding: kernel / 2);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => conv.call(x);
}
