using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.ConvNeXts;

/// <summary>Patches of pixels by a convolution, then a norm.</summary>
internal sealed class ConvNeXtStem : Module<Tensor, Tensor>
{
    [ComponentName(Name = "0")]
    private readonly Conv2d conv;

    [ComponentName(Name = "1")]
    private readonly LayerNorm norm;

    public ConvNeXtStem(int width, int channels, int patch, double eps)
        : base(nameof(ConvNeXtStem))
    {
        (conv, norm) = (Conv2d(width, channels, patch, stride: patch), LayerNorm(channels, eps));
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌊H / patch⌋, ⌊W / patch⌋].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(norm.OverChannels(conv.call(x)));
    }
}

/// <summary>A norm, then a convolution of stride 2 over patches of 2x2.</summary>
internal sealed class ConvNeXtDownsample : Module<Tensor, Tensor>
{
    [ComponentName(Name = "0")]
    private readonly LayerNorm norm;

    [ComponentName(Name = "1")]
    private readonly Conv2d conv;

    public ConvNeXtDownsample(int width, int channels, double eps)
        : base(nameof(ConvNeXtDownsample))
    {
        (norm, conv) = (LayerNorm(width, eps), Conv2d(width, channels, 2, stride: 2));
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌊H / 2⌋, ⌊W / 2⌋].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(conv.call(norm.OverChannels(x)));
    }
}

/// <summary>A convolution of each channel on its own, a norm, and an MLP over the channels; what comes in is added.</summary>
internal sealed class ConvNeXtBlock : Module<Tensor, Tensor>, IHasLayerRoles, IRecomputable
{
    private const int Ratio = 4; // of the MLP's inside

    private readonly Conv2d dwconv;
    private readonly LayerNorm norm;
    private readonly Linear pwconv1;
    private readonly GlobalResponseNorm? grn;
    private readonly Linear pwconv2;
    private readonly Parameter? gamma;
    private readonly DropPath? drop_path;

    public ConvNeXtBlock(int channels, double dropRate, ConvNeXtOptions options)
        : base(nameof(ConvNeXtBlock))
    {
        dwconv = Conv2d(channels, channels, options.KernelSize, padding: options.KernelSize / 2, groups: channels);
        norm = LayerNorm(channels, options.NormEps);
        pwconv1 = Linear(channels, Ratio * channels);
        grn = options.UseGrn ? new GlobalResponseNorm(Ratio * channels) : null;
        pwconv2 = Linear(Ratio * channels, channels);
        gamma = options.LayerScaleInitValue > 0 ? Parameter(full(channels, options.LayerScaleInitValue, dtype: ScalarType.Float32)) : null;
        drop_path = dropRate > 0 ? new DropPath(dropRate) : null;
        RegisterComponents();
    }

    public IEnumerable<RoledLayer> LayerRoles => [new(pwconv1, LayerRole.Fc1), new(pwconv2, LayerRole.Fc2)];

    /// <param name="x">[B, channels, H, W].</param>
    /// <returns>[B, channels, H, W], channels last in memory.</returns>
    public override Tensor forward(Tensor x) => ActivationCheckpoints.Run(this, Compute, x);

    private Tensor Compute(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = norm.Normed(dwconv.call(x).permute(0, 2, 3, 1)); // [B, H, W, channels]
        y = functional.gelu(pwconv1.call(y));
        y = pwconv2.call(grn is null ? y : grn.call(y));
        if (gamma is not null)
            y = y * gamma;
        y = y.permute(0, 3, 1, 2);
        return scope.MoveToOuter((drop_path is null ? y : drop_path.call(y)) + x);
    }
}
