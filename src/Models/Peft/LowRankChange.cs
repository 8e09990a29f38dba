using Tessera.Framework.Models.Peft;
using Tessera.Torch.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Peft;

/// <summary>W + s · B A at a linear layer or a convolution, or at rows of it.</summary>
internal sealed class LowRankChange : LayerChange
{
    private readonly Parameter A; // [r, in], or [r, in / groups, kernel height, kernel width]
    private readonly Parameter B; // [rows, r]
    private readonly double _scale;
    private readonly double _dropout;

    public LowRankChange(LayerSlice slice, LoraOptions options)
        : base(nameof(LowRankChange), slice)
    {
        (_scale, _dropout) = (options.Scale, options.Dropout);
        A = Starts.Kaiming([options.Rank, .. slice.Weight.shape[1..]]);
        B = Parameter(zeros(slice.Length, options.Rank));
        RegisterComponents();
    }

    /// <summary>Whether a layer has a weight that a product can be added to.</summary>
    public static bool Fits(LayerSlice slice) =>
        slice.IsProduct && slice.Layer is not Conv2d { padding: null } and not Conv2d { padding_mode: not PaddingModes.Zeros };

    public override Tensor Output(Tensor input, Tensor output)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(AddTo(output, Added(input)));
    }

    public override void MergeOutput(LayerWeights weights) => weights.Weight = weights.Weight + InRows(Product(Exactly(A), Exactly(B)), 0);

    /// <summary>s · B A, in the weight's form: [rows, in, …].</summary>
    public Tensor Delta() => Product(A, B);

    /// <summary>What s · B A gives for an input, in the form of the layer's output.</summary>
    public Tensor Added(Tensor input)
    {
        if (_dropout > 0)
            input = functional.dropout(input, _dropout, training);
        if (Slice.Layer is not Conv2d conv)
            return functional.linear(functional.linear(input, A), B) * _scale;
        if (conv.groups != 1) // each group has its own inputs, so the product is formed
            return Convolved(conv, input, Delta());
        return functional.conv2d(Convolved(conv, input, A), B.view(Slice.Length, -1, 1, 1)) * _scale;
    }

    private static Tensor Convolved(Conv2d conv, Tensor input, Tensor weight) =>
        SeenTaps.Miss(conv, input)
            ? SeenTaps.Convolve(conv, input, weight, null)
            : functional.conv2d(input, weight, null, conv.stride, conv.padding, conv.dilation, conv.groups);

    private Tensor Product(Tensor a, Tensor b) => b.matmul(a.flatten(1)).view([Slice.Length, .. a.shape[1..]]) * _scale;
}
