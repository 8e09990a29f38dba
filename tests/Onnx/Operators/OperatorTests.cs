using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Onnx.Operators;

/// <summary>Operators, each alone, at random shapes.</summary>
public sealed class OperatorTests : IDisposable
{
    private const double Tolerance = 1e-4;

    // By name; x is [B, C, H, W] with C a multiple of 4.
    private static readonly Dictionary<string, Func<Tensor, Tensor>> s_operators = new()
    {
        ["add"] = x => x.add(x.mul(0.5), 2),
        ["sub"] = x => x.sub(1.5),
        ["div"] = x => x.div(x.abs().add(1)),
        ["div floor"] = x => x.div(0.3, RoundingMode.floor),
        ["remainder"] = x => x.remainder(0.7),
        ["pow"] = x => x.abs().pow(1.7),
        ["rsqrt"] = x => x.abs().add(0.1).rsqrt(),
        ["exp, log"] = x => x.exp().add(1).log(),
        ["clamp"] = x => x.clamp(-0.5, 0.25),
        ["maximum"] = x => x.maximum(x.neg().add(0.1)),
        ["logaddexp"] = x => x.logaddexp(x.neg().add(0.1)),
        ["where"] = x => where(x.gt(0), x, x.mul(-3)),
        ["masked_fill"] = x => x.masked_fill(x.lt(0.2), -7),
        ["compare"] = x => x.ge(0).logical_and(x.ne(1)).to(ScalarType.Float32).sub(x.le(-0.5).to(ScalarType.Float32)),
        ["relu in place"] = x => x.mul(1).relu_(),
        ["gelu"] = x => functional.gelu(x),
        ["silu"] = x => functional.silu(x),
        ["hardswish"] = x => functional.hardswish(x),
        ["elu"] = x => functional.elu(x, 0.7),
        ["leaky relu"] = x => functional.leaky_relu(x, 0.2),
        ["softplus"] = x => functional.softplus(x),
        ["softmax"] = x => x.softmax(-1),
        ["log_softmax"] = x => x.log_softmax(1),
        ["matmul"] = x => x.matmul(x.transpose(-1, -2)),
        ["einsum"] = x => einsum("bchw,bdhw->bcd", x, x.mul(2)),
        ["attention"] = x => functional.scaled_dot_product_attention(x, x.mul(0.3), x.add(1)),
        ["layer norm"] = x => functional.layer_norm(x, [x.shape[3]]),
        ["group norm"] = x => functional.group_norm(x, 2, ones(x.shape[1]).mul(1.5), ones(x.shape[1])),
        ["max pool"] = x => functional.max_pool2d(x, 3, 2, 1),
        ["average pool"] = x => functional.avg_pool2d(x, 3, 2, 1, count_include_pad: false),
        ["adaptive average"] = x => functional.adaptive_avg_pool2d(x, [3, 2]),
        ["pad"] = x => functional.pad(x, [1, 2, 0, 3], value: 0.5),
        ["pad reflecting"] = x => functional.pad(x, [1, 2, 2, 1], PaddingModes.Reflect),
        ["unfold"] = x => functional.unfold(x, 3, padding: 1, stride: 2),
        ["permute, reshape"] = x => x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1]),
        ["flatten, unflatten"] = x => x.flatten(2).unflatten(1, [2, -1]),
        ["expand, repeat"] = x => x.mean([1], true).expand(-1, 4, -1, -1).repeat(1, 2, 1, 1),
        ["repeat_interleave"] = x => x.repeat_interleave(3, 2),
        ["cat, stack"] = x => stack([cat([x, x.mul(2)], 1), cat([x.neg(), x], 1)], 2),
        ["split, chunk"] = x => x.split([1, x.shape[1] - 1], 1)[1].sum().add(x.chunk(2, 3)[0].sum()).view(1),
        ["unbind, select"] = x => x.unbind(1)[0].add(x.select(1, -1)),
        ["slice"] = x => x[TensorIndex.Ellipsis, TensorIndex.Slice(1, -1, 2)],
        ["flip, roll"] = x => x.flip(2, 3).roll([1, -2], [2, 3]),
        ["index"] = x => x.index(TensorIndex.Colon, TensorIndex.Tensor(tensor(new long[] { 2, 0, 0 }))),
        ["index several"] = x =>
            x.index(TensorIndex.Colon, TensorIndex.Tensor(tensor(new long[] { 2, 0 })), TensorIndex.Tensor(tensor(new long[] { 1, 3 }))),
        ["gather"] = x => x.gather(3, x.argsort(3)),
        ["topk"] = x => x.topk(2, 3).values,
        ["cumsum"] = x => x.cumsum(2),
        ["sum, mean"] = x => x.sum([1, 3]).add(x.mean([1, 3])),
        ["max, min"] = x => x.max(1).values.sub(x.min(1).values),
        ["argmax"] = x => x.argmax(1),
        ["amax"] = x => x.amax([2, 3], true),
        ["variance"] = x => x.var([1], unbiased: true),
        ["norm"] = x => x.norm(1, true, 2),
        ["bilinear"] = x => Resized(x, InterpolationMode.Bilinear, false),
        ["bilinear, corners"] = x => Resized(x, InterpolationMode.Bilinear, true),
        ["bicubic"] = x => Resized(x, InterpolationMode.Bicubic, false),
        ["bicubic, smooth"] = x =>
            functional.interpolate(x, [5, 4], mode: InterpolationMode.Bicubic, align_corners: false, antialias: true),
        ["nearest"] = x => functional.interpolate(x, [13, 17], mode: InterpolationMode.Nearest),
        ["write to a part"] = WriteToPart,
        ["write through a view"] = WriteThroughView,
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names() => [.. s_operators.Keys];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Operator_AtRandomShapes_EqualsLibTorch(string name)
    {
        var random = new Random(name.Length * 31);
        using var module = Identity();
        for (var i = 0; i < 3; i++)
        {
            long[] shape = [random.Next(1, 4), 4 * random.Next(1, 3), random.Next(6, 12), random.Next(6, 12)];
            Tensor[] Forward(Tensor x) => [s_operators[name](x)];
            var names = Exported.Write(_folder.File("model.onnx"), module, Forward, shape);
            using var images = randn(shape);
            var difference = Exported.Difference(_folder.File("model.onnx"), names, Forward, images);
            Assert.True(difference <= Tolerance, $"[{string.Join(", ", shape)}]: {difference:0.0e+0}");
        }
    }

    [Fact]
    public void Convolutions_OfEveryKind_EqualLibTorch()
    {
        var random = new Random(5);
        for (var i = 0; i < 6; i++)
        {
            var (groups, kernel, stride, dilation) = (1 + (i % 2), random.Next(1, 4), random.Next(1, 3), random.Next(1, 3));
            using var conv = Conv2d(4, 6, kernel, stride, padding: 1, dilation: dilation, groups: groups, bias: i % 3 > 0);
            using var turned = ConvTranspose2d(6, 4, kernel, stride);
            using var both = Sequential(conv, BatchNorm2d(6), turned);
            both.eval();
            Tensor[] Forward(Tensor x) => [both.call(x)];
            var names = Exported.Write(_folder.File("model.onnx"), both, Forward, [2, 4, 11, 9]);
            using var images = randn(2, 4, 11, 9);
            Assert.True(Exported.Difference(_folder.File("model.onnx"), names, Forward, images) <= Tolerance);
        }
    }

    private static Tensor Resized(Tensor x, InterpolationMode mode, bool corners) =>
        functional.interpolate(x, [13, 17], mode: mode, align_corners: corners);

    private static Tensor WriteToPart(Tensor x)
    {
        var room = zeros(x.shape[0], x.shape[1], x.shape[2] + 2, x.shape[3]);
        room.narrow(2, 1, x.shape[2]).copy_(x);
        return room.mul(2);
    }

    private static Tensor WriteThroughView(Tensor x)
    {
        var own = x.mul(1);
        var row = own.select(1, 0);
        var flat = own.view(-1);
        flat.add_(1);
        row.mul_(3);
        return own.add(flat.view_as(own));
    }
}
