using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>
/// A small network that gives the bias of an attention's logits for any distance between two tokens, so that groups may be of any size.
/// </summary>
/// <remarks>Wang et al., "CrossFormer", 2021, arXiv:2108.00154, section 3.3.</remarks>
public sealed class DynamicPositionBias : nn.Module<Tensor, Tensor>
{
    private readonly Linear pos_proj;
    private readonly DynamicPositionLayer pos1;
    private readonly DynamicPositionLayer pos2;
    private readonly DynamicPositionLayer pos3;

    /// <param name="channels">Width of the attention's tokens; the network is a sixteenth as wide.</param>
    /// <param name="heads">Heads of the attention.</param>
    public DynamicPositionBias(int channels, int heads)
        : base(nameof(DynamicPositionBias))
    {
        var width = Math.Max(1, channels / 16);
        pos_proj = Linear(2, width);
        pos1 = new DynamicPositionLayer(width, width);
        pos2 = new DynamicPositionLayer(width, width);
        pos3 = new DynamicPositionLayer(width, heads);
        RegisterComponents();
    }

    /// <param name="offsets">Rows and columns from one token to another, [n, 2].</param>
    /// <returns>[n, heads].</returns>
    public override Tensor forward(Tensor offsets)
    {
        using var scope = NewDisposeScope();
        var x = pos_proj.call(offsets.to(pos_proj.weight!.dtype));
        return scope.MoveToOuter(pos3.call(pos2.call(pos1.call(x))));
    }
}

/// <summary>Norm, ReLU and a linear layer. Parameters are called 0 and 2, as those of a sequence of three.</summary>
public sealed class DynamicPositionLayer : nn.Module<Tensor, Tensor>
{
    private readonly (LayerNorm Norm, Linear Linear) _parts;

    internal DynamicPositionLayer(int channels, int outChannels)
        : base(nameof(DynamicPositionLayer))
    {
        _parts = (LayerNorm(channels), Linear(channels, outChannels));
        register_module("0", _parts.Norm);
        register_module("2", _parts.Linear);
    }

    /// <param name="x">[n, channels].</param>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(_parts.Linear.call(_parts.Norm.Normed(x).relu()));
    }
}
