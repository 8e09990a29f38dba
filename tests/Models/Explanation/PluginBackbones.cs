using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Models.Explanation;

/// <summary>A transformer as a plugin may write it: four register tokens behind the class token, blocks that get no
/// <see cref="TokenGrid"/>, a mean over the patches.</summary>
internal sealed class RegisterBackbone : Backbone, IHasTokenGrid
{
    private const int Patch = 8;
    private readonly Conv2d embed = Conv2d(3, 6, Patch, stride: Patch);
    private readonly TorchSharp.Modules.Parameter leading = Parameter(zeros(1, 5, 6));
    private readonly LayerNorm norm = LayerNorm(6);
    private readonly Linear mix = Linear(6, 6);

    public RegisterBackbone()
        : base(nameof(RegisterBackbone)) => RegisterComponents();

    public override IReadOnlyList<int> OutChannels => [6];

    public override IReadOnlyList<int> OutStrides => [0];

    public TokenGrid GridOf(int height, int width) => new(height / Patch, width / Patch, 5);

    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var patches = embed.call(images).flatten(2).transpose(1, 2);
        var x = cat([leading.expand(images.shape[0], -1, -1), patches], 1);
        x = x + mix.call(norm.call(x)).tanh();
        return [scope.MoveToOuter(x.narrow(1, 5, x.shape[1] - 5).mean([1]))];
    }
}

/// <summary>Maps made by plain functions: only the backbone itself gives one.</summary>
internal sealed class FunctionalBackbone : Backbone
{
    private readonly TorchSharp.Modules.Parameter weight = Parameter(zeros(4, 3, 3, 3));

    public FunctionalBackbone()
        : base(nameof(FunctionalBackbone)) => RegisterComponents();

    public override IReadOnlyList<int> OutChannels => [4];

    public override IReadOnlyList<int> OutStrides => [4];

    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var map = functional.conv2d(images, weight, padding: [1, 1], strides: [4, 4]);
        return [scope.MoveToOuter(functional.relu(map))];
    }
}

/// <summary>One activation module that runs three times, the last time over the pooled vector as a map of one place.</summary>
internal sealed class SharedActivationBackbone : Backbone
{
    private readonly Conv2d conv1 = Conv2d(3, 6, 3, stride: 4, padding: 1);
    private readonly Conv2d conv2 = Conv2d(6, 6, 3, padding: 1);
    private readonly ReLU act = ReLU(inplace: true);

    public SharedActivationBackbone()
        : base(nameof(SharedActivationBackbone)) => RegisterComponents();

    public override IReadOnlyList<int> OutChannels => [6];

    public override IReadOnlyList<int> OutStrides => [0];

    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var map = act.call(conv2.call(act.call(conv1.call(images))));
        return [scope.MoveToOuter(act.call(map.mean([2, 3], keepdim: true)).flatten(1))];
    }
}

/// <summary>Convolutions with mirrored kernels over images of odd size, padded evenly: it sees a mirrored image mirrored.</summary>
internal sealed class OddBackbone : Backbone
{
    private readonly Conv2d conv1 = Conv2d(3, 6, 3, stride: 2, padding: 1);
    private readonly Conv2d conv2 = Conv2d(6, 6, 3, stride: 2, padding: 1);

    public OddBackbone()
        : base(nameof(OddBackbone)) => RegisterComponents();

    public override IReadOnlyList<int> OutChannels => [6];

    public override IReadOnlyList<int> OutStrides => [4];

    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        return [scope.MoveToOuter(Mirrored(conv2, Rectifier.Of(Mirrored(conv1, images))).tanh())];
    }

    private static Tensor Mirrored(Conv2d conv, Tensor x)
    {
        var weight = conv.weight! + conv.weight!.flip(2);
        return functional.conv2d(x, weight + weight.flip(3), conv.bias, strides: [2, 2], padding: [1, 1]);
    }
}
