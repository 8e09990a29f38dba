using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>Two linear layers with a depthwise 3x3 convolution over the grid and GELU between: tokens learn where they are.</summary>
/// <remarks>Wang et al., "PVT v2", 2021, arXiv:2106.13797.</remarks>
public sealed class ConvMlp : nn.Module<Tensor, TokenGrid, Tensor>, IHasLayerRoles
{
    private readonly Linear fc1;
    private readonly DepthwiseConvolution dwconv; // so that the key is dwconv.dwconv, as published
    private readonly Linear fc2;
    private readonly double _dropout;
    private readonly bool _relu;

    /// <param name="channels">Width of a token.</param>
    /// <param name="hidden">Width between the layers.</param>
    /// <param name="dropout">After the activation and the last layer.</param>
    /// <param name="relu">A ReLU after the first layer, too, as in the linear variant.</param>
    public ConvMlp(int channels, int hidden, double dropout, bool relu)
        : base(nameof(ConvMlp))
    {
        fc1 = Linear(channels, hidden);
        dwconv = new DepthwiseConvolution(hidden);
        fc2 = Linear(hidden, channels);
        (_dropout, _relu) = (dropout, relu);
        RegisterComponents();
    }

    public IEnumerable<RoledLayer> LayerRoles => [new(fc1, LayerRole.Fc1), new(fc2, LayerRole.Fc2)];

    public IEnumerable<TokenBranch> Branches => [new(this, BranchKind.Mlp, fc1.weight!.shape[1], fc2.weight!.shape[0])];

    /// <param name="x">[B, H * W, channels].</param>
    public override Tensor forward(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        x = fc1.call(x);
        if (_relu)
            x = Rectifier.Of(x);
        x = functional.gelu(dwconv.call(x, grid));
        if (_dropout == 0)
            return scope.MoveToOuter(fc2.call(x));
        return scope.MoveToOuter(functional.dropout(fc2.call(functional.dropout(x, _dropout, training)), _dropout, training));
    }
}

/// <summary>A 3x3 convolution of each channel over the grid of tokens.</summary>
public sealed class DepthwiseConvolution : nn.Module<Tensor, TokenGrid, Tensor>
{
    private readonly Conv2d dwconv;

    internal DepthwiseConvolution(int channels)
        : base(nameof(DepthwiseConvolution))
    {
        dwconv = Conv2d(channels, channels, 3, padding: 1, groups: channels);
        RegisterComponents();
    }

    /// <param name="x">[B, H * W, channels].</param>
    public override Tensor forward(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var map = x.transpose(1, 2).reshape(x.shape[0], x.shape[2], grid.Height, grid.Width);
        return scope.MoveToOuter(dwconv.call(map).flatten(2).transpose(1, 2));
    }
}
