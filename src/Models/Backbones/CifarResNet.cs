using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <param name="Depth">6n + 2 layers: 20, 32, 44, 56, 110, …</param>
/// <param name="StageChannels">Channels of each of the three stages.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0. Stages after the last of them are not built.</param>
public sealed record CifarResNetOptions(
    [property: Range(8, 1202)] int Depth = 20,
    [property: Length(3, 3)] int[]? StageChannels = null,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null
);

/// <summary>The residual network for images of 32 pixels: three stages, shortcuts without parameters.</summary>
/// <remarks>
/// He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385, section 4.2, option A. Parameter
/// names (conv1, bn1, layer1 … 3, linear) are those of the widely used PyTorch checkpoints resnet20 … resnet1202.
/// </remarks>
[Component("CifarResNet")]
public sealed class CifarResNet : Backbone
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential layer1;
    private readonly Sequential? layer2;
    private readonly Sequential? layer3;

    private readonly int[] _outIndices;

    public CifarResNet(CifarResNetOptions options)
        : base(nameof(CifarResNet))
    {
        if (options.Depth % 6 != 2)
            throw new UserErrorException($"CifarResNet: depth must be 6n + 2 (20, 32, 44, 56, 110, …), not {options.Depth}.");
        var channels = options.StageChannels ?? [16, 32, 64];
        if (channels[0] < 1 || channels[1] < channels[0] || channels[2] < channels[1])
            throw new UserErrorException(
                $"CifarResNet: stage_channels must be positive and must not shrink, not [{string.Join(", ", channels)}]."
            );
        _outIndices = Backbones.OutIndices.Checked(nameof(CifarResNet), options.OutIndices ?? [0, 1, 2], 3);

        var blocks = (options.Depth - 2) / 6;
        conv1 = Conv2d(options.InChannels, channels[0], 3, padding: 1, bias: false);
        bn1 = BatchNorm2d(channels[0]);
        layer1 = Stage(channels[0], channels[0], blocks, 1);
        layer2 = _outIndices[^1] < 1 ? null : Stage(channels[0], channels[1], blocks, 2);
        layer3 = _outIndices[^1] < 2 ? null : Stage(channels[1], channels[2], blocks, 2);
        RegisterComponents();

        OutChannels = [.. _outIndices.Select(i => channels[i])];
        OutStrides = [.. _outIndices.Select(i => 1 << i)];
        Weights.Convolutional(this);
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps { get; } =
        new Dictionary<string, KeyMap> { ["akamaster"] = new KeyTable("linear").ToKeyMap() };

    /// <summary>A stage is a block.</summary>
    public override ParameterLayers LayersByDepth =>
        new([nameof(conv1), nameof(bn1)], [.. Enumerable.Range(1, _outIndices[^1] + 1).Select(stage => new[] { $"layer{stage}" })]);

    /// <param name="images">Normalized images, [B, InChannels, H, W].</param>
    /// <returns>Map i: [B, StageChannels[i], ⌈H / 2^i⌉, ⌈W / 2^i⌉].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = ConvThenNorm.Rectified(conv1, bn1, images);
        var maps = new List<Tensor>();
        foreach (var (i, stage) in new[] { layer1, layer2, layer3 }.OfType<Sequential>().Index())
        {
            x = stage.call(x);
            if (_outIndices.Contains(i))
                maps.Add(x);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    private static Sequential Stage(int width, int channels, int blocks, int stride) =>
        Sequential(
            Enumerable
                .Range(0, blocks)
                .Select(i => i == 0 ? new CifarBlock(width, channels, stride) : new CifarBlock(channels, channels, 1))
        );
}

/// <summary>Two 3x3 convolutions; the shortcut takes every second pixel and adds channels of zeros, half on each side.</summary>
public sealed class CifarBlock : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly int _stride;
    private readonly int _added;

    internal CifarBlock(int width, int channels, int stride)
        : base(nameof(CifarBlock))
    {
        (_stride, _added) = (stride, channels - width);
        conv1 = Conv2d(width, channels, 3, stride: stride, padding: 1, bias: false);
        bn1 = BatchNorm2d(channels);
        conv2 = Conv2d(channels, channels, 3, padding: 1, bias: false);
        bn2 = BatchNorm2d(channels);
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var branch = ConvThenNorm.Rectified(conv1, bn1, x);
        branch = ConvThenNorm.Run(conv2, bn2, branch);
        if (_stride > 1)
            x = x[.., .., TensorIndex.Slice(step: _stride), TensorIndex.Slice(step: _stride)];
        if (_added > 0)
            x = functional.pad(x, [0, 0, 0, 0, _added / 2, _added - (_added / 2)]);
        return scope.MoveToOuter(Rectifier.InPlace(branch.add_(x)));
    }
}
