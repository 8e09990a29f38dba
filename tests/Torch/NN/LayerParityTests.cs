using Tessera.Torch.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.NN;

public class LayerParityTests
{
    private static readonly Dictionary<string, Func<Module>> s_layers = new()
    {
        ["Linear"] = () => Linear(3, 4),
        ["Linear_NoBias"] = () => Linear(3, 4, hasBias: false),
        ["Bilinear"] = () => Bilinear(2, 3, 4),
        ["Conv1d"] = () => Conv1d(2, 4, 3, stride: 2, padding: 1, groups: 2),
        ["Conv2d"] = () => Conv2d(2, 3, (3, 2), stride: (2, 1), padding: (1, 0), dilation: (1, 2)),
        ["Conv2d_Same"] = () => Conv2d(2, 2, 3, Padding.Same, groups: 2, bias: false),
        ["Conv2d_Reflect"] = () => Conv2d(1, 2, 3, padding: 1, padding_mode: PaddingModes.Reflect),
        ["Conv2d_Circular"] = () => Conv2d(1, 2, (3, 3), padding: (1, 2), padding_mode: PaddingModes.Circular),
        ["Conv2d_Unbatched"] = () => Conv2d(1, 2, 3),
        ["Conv3d"] = () => Conv3d(1, 2, 2),
        ["ConvTranspose1d"] = () => ConvTranspose1d(2, 3, 3, stride: 2, padding: 1, output_padding: 1),
        ["ConvTranspose2d"] = () => ConvTranspose2d(2, 4, 3, stride: 2, padding: 1, output_padding: 1, groups: 2),
        ["ConvTranspose3d"] = () => ConvTranspose3d(1, 2, 2),
        ["BatchNorm1d"] = () => BatchNorm1d(3),
        ["BatchNorm2d"] = () => BatchNorm2d(2, eps: 1e-3, momentum: 0.3),
        ["BatchNorm2d_Eval"] = () => BatchNorm2d(2),
        ["BatchNorm3d"] = () => BatchNorm3d(2, affine: false),
        ["InstanceNorm1d"] = () => InstanceNorm1d(2, affine: true),
        ["InstanceNorm2d"] = () => InstanceNorm2d(2, affine: true, track_running_stats: true),
        ["LayerNorm"] = () => LayerNorm([3, 2]),
        ["GroupNorm"] = () => Norms.GroupNorm(2, 4),
        ["LocalResponseNorm"] = () => LocalResponseNorm(2),
        ["Embedding"] = () => Embedding(5, 3, padding_idx: 1),
        ["EmbeddingBag"] = () => EmbeddingBag(5, 3),
        ["PReLU"] = () => PReLU(3),
        ["MultiheadAttention"] = () => MultiheadAttention(4, 2),
        ["TransformerEncoderLayer"] = () => TransformerEncoderLayer(4, 2, 6, 0.0, Activations.GELU),
        ["TransformerDecoderLayer"] = () => TransformerDecoderLayer(4, 2, 6, 0.0),
        ["Transformer"] = () => Transformer(4, 2, 1, 1, 6, 0.0),
        ["Sequential"] = () => Sequential(Conv2d(1, 2, 3, bias: false), BatchNorm2d(2), ReLU(inplace: true), Flatten(), Linear(8, 3)),
        ["CELU"] = () => CELU(1.5),
        ["ELU"] = () => ELU(0.7),
        ["GELU"] = () => GELU(),
        ["GLU"] = () => GLU(),
        ["Hardshrink"] = () => Hardshrink(),
        ["Hardsigmoid"] = () => Hardsigmoid(),
        ["Hardswish"] = () => Hardswish(),
        ["LeakyReLU"] = () => LeakyReLU(0.1),
        ["LogSigmoid"] = () => LogSigmoid(),
        ["LogSoftmax"] = () => LogSoftmax(1),
        ["Mish"] = () => Mish(),
        ["ReLU"] = () => ReLU(),
        ["ReLU6"] = () => ReLU6(),
        ["SELU"] = () => SELU(),
        ["Sigmoid"] = () => Sigmoid(),
        ["SiLU"] = () => SiLU(),
        ["Softmax"] = () => Softmax(1),
        ["Softmin"] = () => Softmin(1),
        ["Softplus"] = () => Softplus(2, 3),
        ["Softshrink"] = () => Softshrink(),
        ["Softsign"] = () => Softsign(),
        ["Tanh"] = () => Tanh(),
        ["Tanhshrink"] = () => Tanhshrink(),
        ["Threshold"] = () => Threshold(0.1, 0.5),
        ["Softmax2d"] = () => Softmax2d(),
        ["MaxPool1d"] = () => MaxPool1d(3, 2),
        ["MaxPool2d"] = () => MaxPool2d(3, 2, 1, ceil_mode: true),
        ["MaxPool3d"] = () => MaxPool3d(2),
        ["AvgPool1d"] = () => AvgPool1d(3, 2, 1),
        ["AvgPool2d"] = () => AvgPool2d((3, 2), (2, 1), (1, 0), count_include_pad: false),
        ["AvgPool3d"] = () => AvgPool3d(2),
        ["AdaptiveAvgPool1d"] = () => AdaptiveAvgPool1d(3),
        ["AdaptiveAvgPool2d"] = () => AdaptiveAvgPool2d((2, 3)),
        ["AdaptiveMaxPool2d"] = () => AdaptiveMaxPool2d([2, 3]),
        ["LPPool1d"] = () => LPPool1d(2, 2),
        ["LPPool2d"] = () => LPPool2d(2, 2),
        ["PixelShuffle"] = () => PixelShuffle(2),
        ["PixelUnshuffle"] = () => PixelUnshuffle(2),
        ["Upsample"] = () => Upsample(scale_factor: [2, 2], mode: UpsampleMode.Bilinear, align_corners: false),
        ["ConstantPad2d"] = () => ConstantPad2d((1, 2, 0, 1), 0.5),
        ["ReflectionPad2d"] = () => ReflectionPad2d(1),
        ["ReplicationPad1d"] = () => ReplicationPad1d((2, 1)),
        ["ZeroPad2d"] = () => ZeroPad2d(1),
        ["Fold"] = () => Fold((4, 5), (2, 2)),
        ["Unfold"] = () => Unfold((2, 3), padding: (1, 1), stride: (2, 2)),
        ["CosineSimilarity"] = () => CosineSimilarity(1),
        ["PairwiseDistance"] = () => PairwiseDistance(2),
    };

    internal static IEnumerable<Delegate> Factories => s_layers.Values;

    public static IEnumerable<object[]> Names => s_layers.Keys.Select(name => new object[] { name });

    [Theory]
    [MemberData(nameof(Names))]
    public void ForwardAndGradients_SameWeightsAndInputs_EqualPyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        var expected = Fixture.Case("layers.json", name);
        using var module = s_layers[name]();
        var state = Fixture.Entries(expected.GetProperty("state"));
        Assert.Equal(state.Keys.Order(), module.state_dict().Keys.Order());
        module.load_state_dict(state.ToDictionary(entry => entry.Key, entry => Fixture.Tensor(entry.Value)));
        module.train(expected.GetProperty("train").GetBoolean());

        var integers = expected.GetProperty("integers").GetBoolean();
        var inputs = expected
            .GetProperty("inputs")
            .EnumerateArray()
            .Select(packed => Fixture.Tensor(packed, integers).requires_grad_(!integers))
            .ToArray();
        var output = Call(module, inputs);
        Fixture.Close(expected.GetProperty("output"), output, "the output");
        Fixture.WeightedSum(output).backward();

        var parameters = module.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var (key, gradient) in Fixture.Entries(expected.GetProperty("gradients")))
            Fixture.Close(gradient, parameters[key].grad, $"the gradient of {key}", 1e-4);
        foreach (var (input, gradient) in inputs.Zip(expected.GetProperty("input_gradients").EnumerateArray()))
            Fixture.Close(gradient, input.grad, "an input's gradient", 1e-4);
        var buffers = module.named_buffers().ToDictionary(entry => entry.name, entry => entry.buffer);
        foreach (var (key, buffer) in Fixture.Entries(expected.GetProperty("after")))
            Fixture.Close(buffer, buffers[key], $"{key} after the step");
    }

    private static Tensor Call(Module module, Tensor[] inputs) =>
        module switch
        {
            TorchSharp.Modules.MultiheadAttention attention => attention.call(inputs[0], inputs[1], inputs[2]).Item1,
            TorchSharp.Modules.TransformerDecoderLayer decoder => decoder.call(inputs[0], inputs[1]),
            TorchSharp.Modules.EmbeddingBag bag => bag.call(inputs[0]),
            Module<Tensor, Tensor> one => one.call(inputs[0]),
            Module<Tensor, Tensor, Tensor> two => two.call(inputs[0], inputs[1]),
            _ => throw new InvalidOperationException($"{module.GetName()} takes other inputs."),
        };
}
