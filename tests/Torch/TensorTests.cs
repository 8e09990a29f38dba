using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class TensorTests
{
    private static float[] Values(Tensor t) => t.to_type(ScalarType.Float32).data<float>().ToArray();

    [Fact]
    public void Factories_ShapesAndTypes_AreWhatWasAskedFor()
    {
        using var scope = NewDisposeScope();
        Assert.Equal([2, 3], zeros(2, 3).shape);
        Assert.Equal(ScalarType.Float32, zeros(2).dtype);
        Assert.Equal(ScalarType.Int64, full(2, 1).dtype);
        Assert.Equal(ScalarType.Int64, arange(5).dtype);
        Assert.Equal([0, 0.25f, 0.5f, 0.75f, 1], Values(linspace(0, 1, 5)));
        Assert.Equal([1, 0, 0, 0, 1, 0], Values(eye(2, 3)));
        Assert.Equal(
            [
                [1, 2],
                [3, 4],
            ],
            (float[][])
                [
                    Values(
                        tensor(
                            new[,]
                            {
                                { 1f, 2f },
                                { 3f, 4f },
                            }
                        )[0]
                    ),
                    Values(
                        tensor(
                            new[,]
                            {
                                { 1, 2 },
                                { 3, 4 },
                            }
                        )[1]
                    ),
                ]
        );
        Assert.Equal(ScalarType.Bool, tensor((bool[])[true, false]).dtype);
        Assert.Equal(ScalarType.Float64, tensor(1.0).dtype);
        Assert.True(ones(2, requires_grad: true).requires_grad);
        Assert.Equal(0, tensor(3f).dim());
    }

    [Fact]
    public void Arithmetic_OperatorsAndInPlaceForms_MatchHandValues()
    {
        using var scope = NewDisposeScope();
        var a = tensor((float[])[1, 2, 3]);
        var b = tensor((float[])[4, 5, 6]);
        Assert.Equal([5, 7, 9], Values(a + b));
        Assert.Equal([-3, -3, -3], Values(a - b));
        Assert.Equal([4, 10, 18], Values(a * b));
        Assert.Equal([4, 2.5f, 2], Values(b / a));
        Assert.Equal([9, 8, 7], Values(10 - a));
        Assert.Equal([6, 3, 2], Values(6 / a));
        Assert.Equal([1, 0, 1], Values(a % 2));
        Assert.Equal([-1, -2, -3], Values(-a));
        Assert.Equal([3, 4.5f, 6], Values(a.add(b, 0.5)));
        Assert.Same(a, a.mul_(2));
        Assert.Equal([2, 4, 6], Values(a));
        Assert.Equal([1, 2, 3], Values(a.div(2, RoundingMode.floor)));
        Assert.Equal([4, 16, 36], Values(a.pow(2)));
        Assert.Equal([0, 1, 1], Values(a > 3));
        Assert.Equal([0, 1, 0], Values(a == 4));
    }

    [Fact]
    public void Reductions_MatchHandValues()
    {
        using var scope = NewDisposeScope();
        var m = tensor(
            new[,]
            {
                { 1f, 2f, 3f },
                { 4f, 5f, 9f },
            }
        );
        Assert.Equal(24, m.sum().ToSingle());
        Assert.Equal([6, 18], Values(m.sum(1)));
        Assert.Equal([2.5f, 3.5f, 6], Values(m.mean([0])));
        var (values, indexes) = m.max(1);
        Assert.Equal([3, 9], Values(values));
        Assert.Equal([2, 2], Values(indexes));
        Assert.Equal(5, m.argmax().item<long>());
        Assert.Equal(1, m[0].std().ToSingle(), 6);
        Assert.Equal([1, 3, 6], Values(m[0].cumsum(0)));
        Assert.Equal(Math.Sqrt(14), m[0].norm().ToDouble(), 5);
        Assert.Equal([2, 0, 1], Values(tensor((float[])[5, 9, 1]).argsort()));
        var (top, at) = m.flatten().topk(2);
        Assert.Equal([9, 5], Values(top));
        Assert.Equal([5, 4], Values(at));
        var (unique, inverse, counts) = tensor((long[])[3, 1, 3]).unique(return_inverse: true, return_counts: true);
        Assert.Equal([1, 3], Values(unique));
        Assert.Equal([1, 0, 1], Values(inverse!));
        Assert.Equal([1, 2], Values(counts!));
    }

    [Fact]
    public void Shapes_ViewsShareMemory()
    {
        using var scope = NewDisposeScope();
        var a = arange(24, dtype: float32);
        var v = a.view(2, 3, 4);
        Assert.Equal([4, 3, 2], v.permute(2, 1, 0).shape);
        Assert.False(v.transpose(0, 2).is_contiguous());
        Assert.Equal([2, 12], v.flatten(1).shape);
        Assert.Equal([2, 3, 2, 2], v.unflatten(2, 2, 2).shape);
        Assert.Equal([1, 2, 3, 4], v.unsqueeze(0).shape);
        Assert.Equal([2, 3, 4], v.unsqueeze(0).squeeze(0).shape);
        Assert.Equal([2, 3, 4], v.unsqueeze(0).squeeze().shape);
        Assert.Equal([12, 4, 1], v.stride());
        v[1, 2, 3] = tensor(-1f);
        Assert.Equal(-1, a[23].ToSingle());
        Assert.Equal(3, cat([v, v, v]).shape[0] / 2);
        Assert.Equal([3, 2, 3, 4], stack([v, v, v]).shape);
        Assert.Equal([1, 2], v.split(2, 1).Select(t => t.shape[1]).Reverse());
        Assert.Equal(3, v.unbind(1).Length);
        Assert.Equal([2, 1, 4, 3], Values(tensor((float[])[1, 2, 3, 4]).view(2, 2).flip(1)));
        Assert.Equal([3, 1, 2], Values(tensor((float[])[1, 2, 3]).roll(1)));
        Assert.Equal([1, 2, 1, 2], Values(tensor((float[])[1, 2]).repeat(2)));
    }

    [Fact]
    public void Item_OfAnotherType_Throws()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(3f, tensor(3f).item<float>());
        Assert.Throws<ArgumentException>(() => tensor(3f).item<double>());
        Assert.Throws<ArgumentException>(() => tensor((float[])[1, 2]).item<float>());
        Assert.Equal(3, tensor(3.9f).ToInt32());
    }

    [Fact]
    public void Bytes_AreTheTensorsMemory()
    {
        using var scope = NewDisposeScope();
        var a = zeros(3);
        MemoryMarshal.Cast<byte, float>(a.bytes)[1] = 5;
        Assert.Equal([0, 5, 0], Values(a));
        a.bytes = MemoryMarshal.AsBytes<float>((float[])[1, 2, 3]).ToArray();
        Assert.Equal([1, 2, 3], Values(a));
        Assert.Throws<ArgumentException>(() => a.bytes = new byte[4]);
        Assert.ThrowsAny<Exception>(() => zeros(2, 3).t().bytes.Length);
        Assert.Equal(
            [1, 3, 2, 4],
            tensor(
                    new[,]
                    {
                        { 1f, 2f },
                        { 3f, 4f },
                    }
                )
                .t()
                .data<float>()
                .ToArray()
        );
    }

    [Fact]
    public void NativeError_BecomesAnExceptionWhoseFirstLineSaysWhy()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ExternalException>(() => ones(3, 4).mm(ones(3, 4)));
        Assert.StartsWith("mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)", error.Message, StringComparison.Ordinal);
        Assert.Throws<ExternalException>(() => ones(3).view(5));
    }

    [Fact]
    public void DisposedTensor_SaysSo()
    {
        var t = ones(2);
        t.Dispose();
        t.Dispose();
        Assert.True(t.IsInvalid);
        Assert.Throws<InvalidOperationException>(() => t.shape);
        Assert.Throws<InvalidOperationException>(() => t + 1);
    }

    [Fact]
    public void Device_WithoutCuda_IsACpuOrAnError()
    {
        Assert.Equal((DeviceType.CPU, -1), (device("cpu").type, device("cpu").index));
        if (cuda.is_available())
            Assert.Equal((DeviceType.CUDA, 1), (device("cuda:1").type, device("cuda:1").index));
        else
            Assert.Throws<InvalidOperationException>(() => device("cuda:1"));
    }

    [Fact]
    public void Device_OfNoKnownKind_Throws() => Assert.Throws<ArgumentException>(() => device("gpu:0"));
}
