using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class IndexingTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _a = arange(24, dtype: float32).view(2, 3, 4); // element [i, j, k] = 12 i + 4 j + k

    public void Dispose() => _scope.Dispose();

    private static float[] Values(Tensor t) => t.to_type(ScalarType.Float32).data<float>().ToArray();

    [Fact]
    public void Numbers_Select() => Assert.Equal([20, 21, 22, 23], Values(_a[1, 2]));

    [Fact]
    public void NegativeNumber_CountsFromTheEnd() => Assert.Equal(23, _a[-1, -1, -1].ToSingle());

    [Fact]
    public void NumberBeyondTheEnd_Throws() => Assert.ThrowsAny<Exception>(() => _a[2]);

    [Fact]
    public void Ranges_Slice()
    {
        Assert.Equal([2, 2, 4], _a[.., 1..].shape);
        Assert.Equal([16, 17], Values(_a[1, 1..2, ..2]));
        Assert.Equal([2, 3], Values(_a[0, 0, ^2..]));
        Assert.Equal([0, 2], Values(_a[0, 0, TensorIndex.Slice(step: 2)]));
    }

    [Fact]
    public void EllipsisAndNewAxis_KeepTheOtherDimensions()
    {
        Assert.Equal([2, 3], _a[TensorIndex.Ellipsis, 0].shape);
        Assert.Equal([2, 1, 3, 4], _a[TensorIndex.Colon, TensorIndex.None].shape);
        Assert.Equal([4, 16], Values(_a[TensorIndex.Ellipsis, 1, 0]));
    }

    [Fact]
    public void Tensors_Gather()
    {
        var rows = tensor((long[])[2, 0]);
        Assert.Equal([8, 20, 0, 12], Values(_a[TensorIndex.Colon, TensorIndex.Tensor(rows), 0].t()));
        Assert.Equal([2, 2, 4], _a[TensorIndex.Colon, TensorIndex.Tensor(rows)].shape);
        Assert.Equal([0, 17], Values(_a[tensor((long[])[0, 1]), tensor((long[])[0, 1]), tensor((long[])[0, 1])]));
    }

    [Fact]
    public void Mask_OverSeveralDimensions_Flattens()
    {
        Assert.Equal([22, 23], Values(_a[_a > 21]));
        var mask = _a.sum(2) > 60; // rows [1, 1] and [1, 2]
        Assert.Equal([16, 20], Values(_a[TensorIndex.Tensor(mask), 0]));
    }

    [Fact]
    public void Assignment_ThroughEveryForm_ChangesTheTensor()
    {
        _a[0, 0, 0] = tensor(100f);
        Assert.Equal(100, _a[0, 0, 0].ToSingle());
        _a[.., 2, ..] = zeros(4);
        Assert.Equal(0, _a[.., 2].sum().ToSingle());
        _a[_a > 50] = tensor(-1f);
        Assert.Equal(-1, _a[0, 0, 0].ToSingle());
        _a[TensorIndex.Colon, TensorIndex.Tensor(tensor((long[])[1])), 3] = tensor(7f);
        Assert.Equal([7, 7], Values(_a[.., 1, 3]));
        _a.index_put_((Scalar)5, TensorIndex.Single(1), TensorIndex.Single(0));
        Assert.Equal([5, 5, 5, 5], Values(_a[1, 0]));
    }

    [Fact]
    public void Accumulate_AddsRepeatedIndices()
    {
        var counts = zeros(3);
        counts.index_put_(ones(4), [tensor((long[])[0, 2, 2, 2])], accumulate: true);
        Assert.Equal([1, 0, 3], Values(counts));
    }

    [Fact]
    public void GatherScatterAndFriends_MatchHandValues()
    {
        var m = tensor(
            new[,]
            {
                { 1f, 2f },
                { 3f, 4f },
            }
        );
        Assert.Equal(
            [2, 1, 3, 3],
            Values(
                m.gather(
                    1,
                    tensor(
                        new long[,]
                        {
                            { 1, 0 },
                            { 0, 0 },
                        }
                    )
                )
            )
        );
        Assert.Equal(
            [0, 5, 6, 0],
            Values(
                zeros(2, 2)
                    .scatter(
                        1,
                        tensor(
                            new long[,]
                            {
                                { 1 },
                                { 0 },
                            }
                        ),
                        tensor(
                            new[,]
                            {
                                { 5f },
                                { 6f },
                            }
                        )
                    )
            )
        );
        Assert.Equal([3, 0], Values(zeros(2).scatter_add(0, tensor((long[])[0, 0]), tensor((float[])[1, 2]))));
        Assert.Equal([3, 4, 1, 2], Values(m.index_select(0, tensor((long[])[1, 0]))));
        Assert.Equal([11, 2, 13, 4], Values(m.index_add(1, tensor((long[])[0]), full([2, 1], 10f), 1)));
        Assert.Equal([9, 2, 9, 4], Values(m.index_fill(1, tensor((long[])[0]), 9)));
        Assert.Equal([0, 2, 0, 4], Values(m.masked_fill(m.remainder(2) == 1, 0)));
        Assert.Equal([2, 4], Values(m.masked_select(m.remainder(2) == 0)));
        Assert.Equal([1, -2, 3, -4], Values(where(m.remainder(2) == 1, m, -m)));
        Assert.Equal([1, -2, 3, -4], Values(m.where(m.remainder(2) == 1, -m)));
        Assert.Equal(
            [
                [0, 1],
                [1, 1],
            ],
            (float[][])[Values((m > 1).nonzero()[0]), Values((m > 1).nonzero()[2])]
        );
        Assert.Equal([1, 0, 2], Values(tensor((long[])[0, 2, 2]).bincount(null)));
        Assert.Equal([1, 2], Values(searchsorted(tensor((float[])[1, 3, 5]), tensor((float[])[2, 4]))));
    }

    [Fact]
    public void Gradient_FlowsThroughIndexing()
    {
        var x = ones(2, 3, requires_grad: true);
        (x[.., 1..] * 2).sum().backward();
        Assert.Equal([0, 2, 2, 0, 2, 2], Values(x.grad!));
    }
}
