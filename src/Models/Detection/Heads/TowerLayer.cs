using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Heads;

/// <summary>The norm after a convolution.</summary>
public enum DetectionNorm
{
    /// <summary>None: the convolution has a bias.</summary>
    None,

    /// <summary>Group norm of 32 groups.</summary>
    Gn,

    /// <summary>Batch norm.</summary>
    Bn,
}

/// <summary>A 3x3 (or 1x1) convolution, a norm, perhaps a ReLU; its parts named as in MMDetection's checkpoints.</summary>
internal sealed class TowerLayer : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly GroupNorm? gn;
    private readonly BatchNorm2d? bn;
    private readonly bool _relu;

    /// <param name="norm">Group norms take 32 groups, or as many as divide narrower layers.</param>
    /// <param name="bias">By default where no norm follows.</param>
    public TowerLayer(int width, int channels, int kernel, DetectionNorm norm, bool relu, int stride = 1, bool? bias = null)
        : base(nameof(TowerLayer))
    {
        conv = Conv2d(width, channels, kernel, stride: stride, padding: kernel / 2, bias: bias ?? norm == DetectionNorm.None);
        gn = norm == DetectionNorm.Gn ? Norms.GroupNorm(Groups(channels), channels) : null;
        bn = norm == DetectionNorm.Bn ? BatchNorm2d(channels) : null;
        _relu = relu;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = bn is null ? conv.call(x) : ConvThenNorm.Run(conv, bn, x);
        if (gn is not null)
            x = gn.call(x.to(gn.weight!.dtype)); // in mixed precision float32: libtorch's norm takes no other on the CPU
        return scope.MoveToOuter(_relu ? Rectifier.InPlace(x) : x);
    }

    private static int Groups(int channels)
    {
        var groups = Math.Min(32, channels);
        while (channels % groups != 0)
            groups--;
        return groups;
    }
}
