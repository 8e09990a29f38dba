using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Models.Explanation.Perturbation;

/// <summary>How a test's network rectifies.</summary>
internal enum HandRelu
{
    Module,
    Rectifier,
    Function,
}

/// <summary>At each pixel: 3 to 4 to 4 numbers through ReLUs, then for each of two classes a weighted sum, summed over the pixels. It
/// counts the images that it gets at once.</summary>
internal sealed class HandNet : VisionModel, IExplainable
{
    private readonly Conv2d first = Conv2d(3, 4, 1);
    private readonly Conv2d second = Conv2d(4, 4, 1);
    private readonly Conv2d last = Conv2d(4, 2, 1);
    private readonly ReLU relu = ReLU(inplace: true);
    private readonly HandRelu _second;

    public HandNet(HandRelu second)
        : base(nameof(HandNet))
    {
        _second = second;
        RegisterComponents();
        Formula.Fill(this).eval();
    }

    public int MostImages { get; private set; }

    public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

    public Tensor[] Outputs(Tensor images)
    {
        MostImages = Math.Max(MostImages, (int)images.shape[0]);
        using var scope = NewDisposeScope();
        var x = second.call(relu.call(first.call(images)));
        x = _second switch
        {
            HandRelu.Module => relu.call(x),
            HandRelu.Rectifier => Rectifier.InPlace(x),
            _ => functional.relu(x),
        };
        return [scope.MoveToOuter(last.call(x).sum([2, 3]))];
    }

    public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

    public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();
}

/// <summary>Attention by the fused operator, as a plugin may call it.</summary>
internal sealed class FusedNet : VisionModel, IExplainable
{
    private readonly Conv2d first = Conv2d(3, 4, 1);

    public FusedNet()
        : base(nameof(FusedNet))
    {
        RegisterComponents();
        Formula.Fill(this).eval();
    }

    public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

    public Tensor[] Outputs(Tensor images)
    {
        using var scope = NewDisposeScope();
        var tokens = first.call(images).flatten(2).transpose(1, 2).unsqueeze(1); // [B, 1, hw, 4]
        return [scope.MoveToOuter(functional.scaled_dot_product_attention(tokens, tokens, tokens).mean([1, 2]))];
    }

    public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

    public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();
}

/// <summary>A map of many channels, 32 times smaller than the image.</summary>
internal sealed class WideNet : VisionModel, IExplainable
{
    private readonly Conv2d first;
    private readonly Linear last;

    public WideNet(int channels)
        : base(nameof(WideNet))
    {
        (first, last) = (Conv2d(3, channels, 1, stride: 32), Linear(channels, 2));
        RegisterComponents();
        Formula.Fill(this).eval();
    }

    public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

    public Tensor[] Outputs(Tensor images)
    {
        using var scope = NewDisposeScope();
        return [scope.MoveToOuter(last.call(first.call(images).mean([2, 3])))];
    }

    public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

    public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();
}
