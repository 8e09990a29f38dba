using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.Tracing;

public class OperationCountsTests
{
    private static OperationCounts Count(Action action)
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        return OperationCounts.Of(OperatorTrace.Record(action)).Aggregate(default(OperationCounts), (sum, next) => sum + next.Counts);
    }

    private static (long, long) Products(Action action) =>
        Count(action) is var counts ? (counts.MultiplyAdds, counts.Activations) : default;

    [Fact]
    public void MatrixProducts_EachOnce()
    {
        using var scope = NewDisposeScope();
        var (a, b, v, w) = (randn(3, 4), randn(4, 5), randn(4), randn(3));
        var (p, q) = (randn(2, 3, 4), randn(2, 4, 5));
        Assert.Equal((60, 15), Products(() => a.mm(b)));
        Assert.Equal((60, 15), Products(() => a.matmul(b)));
        Assert.Equal((60, 15), Products(() => addmm(zeros(5), a, b, 1, 1)));
        Assert.Equal((60, 15), Products(() => zeros(3, 5).addmm_(a, b)));
        Assert.Equal((12, 3), Products(() => a.mv(v)));
        Assert.Equal((12, 3), Products(() => a.matmul(v)));
        Assert.Equal((12, 3), Products(() => addmv(w, a, v, 1, 1)));
        Assert.Equal((4, 1), Products(() => v.dot(v)));
        Assert.Equal((120, 30), Products(() => p.bmm(q)));
        Assert.Equal((120, 30), Products(() => p.matmul(q)));
        Assert.Equal((120, 15), Products(() => addbmm(zeros(3, 5), p, q)));
        Assert.Equal((120, 30), Products(() => p.matmul(b)));
        Assert.Equal((120, 30), Products(() => einsum("bij,bjk->bik", p, q)));
        Assert.Equal((0, 0), Products(() => a.mul(a).sum().add(1)));
    }

    // TorchSharp 0.107 gives libtorch baddbmm's arguments in another order.
    [Theory]
    [InlineData("aten::baddbmm", 120)]
    [InlineData("aten::baddbmm_", 120)]
    [InlineData("aten::_addmm_activation", 120)]
    [InlineData("aten::bmm", 96)]
    [InlineData("aten::mul", 0)]
    [InlineData("other::bmm", 0)]
    public void Operator_ByItsName(string name, long products)
    {
        static TracedTensor Of(params long[] shape) => new(1, 1, 0, 4, "cpu", shape, new long[shape.Length], ScalarType.Float32, "float");
        Assert.Equal(products, MatrixProducts.Of(new TracedOperator(1, name, "", [Of(2, 3, 4), Of(2, 3, 4), Of(2, 4, 5)], [Of(2, 3, 5)])));
        Assert.Equal(0, MatrixProducts.Of(new TracedOperator(1, name, "", [TracedNothing.Instance], [])));
    }

    [Fact]
    public void LinearAndBilinearLayers_ByHand()
    {
        using var scope = NewDisposeScope();
        Assert.Equal((2 * 7 * 4 * 5, 70), Products(() => functional.linear(randn(2, 7, 4), randn(5, 4), randn(5))));
        Assert.Equal((2 * 4 * 5, 10), Products(() => functional.linear(randn(2, 4), randn(5, 4))));
        // Each of 5 outputs: [2, 3] times [3, 4], then the sums over 4.
        Assert.Equal(5 * (2 * 3 * 4 + 2 * 4), Count(() => functional.bilinear(randn(2, 3), randn(2, 4), randn(5, 3, 4))).MultiplyAdds);
    }

    [Theory] // batch 2, 6 channels to 8
    [InlineData(1, 1, 1)]
    [InlineData(2, 1, 2)]
    [InlineData(1, 2, 1)]
    public void Convolutions_ByHand(int stride, int groups, int dilation)
    {
        using var scope = NewDisposeScope();
        Tensor Weight(int dims) => randn([8, 6 / groups, .. Enumerable.Repeat(3L, dims)]);
        Tensor Input(int dims) => randn([2, 6, .. Enumerable.Repeat(9L, dims)]);
        var side = (9 - 2 * dilation - 1) / stride + 1;
        for (var dims = 1; dims <= 3; dims++)
        {
            var (x, weight, values) = (Input(dims), Weight(dims), 2 * 8 * (long)Math.Pow(side, dims));
            Assert.Equal(
                (values * (6 / groups) * (long)Math.Pow(3, dims), values),
                Products(() =>
                    _ = dims switch
                    {
                        1 => functional.conv1d(x, weight, stride: stride, dilation: dilation, groups: groups),
                        2 => functional.conv2d(
                            x,
                            weight,
                            randn(8),
                            strides: [stride, stride],
                            dilation: [dilation, dilation],
                            groups: groups
                        ),
                        _ => functional.conv3d(
                            x,
                            weight,
                            strides: [stride, stride, stride],
                            dilation: [dilation, dilation, dilation],
                            groups: groups
                        ),
                    }
                )
            );
        }
    }

    // Every one of 2 x 6 x 5 x 5 inputs goes through 8 / groups channels of 3 x 3.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TransposedConvolution_ByHand(int groups)
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (randn(2, 6, 5, 5), randn(6, 8 / groups, 3, 3));
        Assert.Equal(
            (2 * 6 * 5 * 5 * 8 / groups * 9, 2 * 8 * 11 * 11),
            Products(() => functional.conv_transpose2d(x, weight, strides: [2, 2], groups: groups))
        );
    }

    // Batch 2, 3 heads, 5 queries, 7 keys, width 4: 5 x 7 x 4 for the weights, the same for the sums.
    [Fact]
    public void Attention_FusedAndComposed_CostTheSame()
    {
        using var scope = NewDisposeScope();
        var (query, key, value) = (randn(2, 3, 5, 4), randn(2, 3, 7, 4), randn(2, 3, 7, 4));
        const long products = 2 * 3 * 2 * 5 * 7 * 4;
        Assert.Equal(products, Count(() => functional.scaled_dot_product_attention(query, key, value)).MultiplyAdds);
        Assert.Equal(
            products,
            Count(() => functional.scaled_dot_product_attention(query, key, value, attn_mask: zeros(5, 7))).MultiplyAdds
        );
        Assert.Equal(products, Count(() => query.matmul(key.transpose(-2, -1)).softmax(-1).matmul(value)).MultiplyAdds);
        Assert.Equal(
            products,
            Count(() => functional.scaled_dot_product_attention(query.to(float64), key.to(float64), value.to(float64), p: 0.1)).MultiplyAdds
        );
    }

    // Two layers, 5 steps, batch 2, widths 4 and 6: four gates of 6 rows, over the input and the state.
    [Fact]
    public void RecurrentLayers_ByHand()
    {
        using var scope = NewDisposeScope();
        using var lstm = LSTM(4, 6, 2);
        using var gru = GRU(4, 6);
        Assert.Equal(5 * 2 * (24 * (4 + 6) + 24 * (6 + 6)), Count(() => lstm.call(randn(5, 2, 4))).MultiplyAdds);
        Assert.Equal(5 * 2 * 18 * (4 + 6), Count(() => gru.call(randn(5, 2, 4))).MultiplyAdds);
    }

    [Fact]
    public void Bytes_OfNewResults_ViewsAndInPlaceNeedNone()
    {
        using var scope = NewDisposeScope();
        var x = randn(4, 6);
        Assert.Equal(0, Count(() => x.view(2, 12).t().unsqueeze(0).add_(1)).Bytes);
        Assert.Equal(0, Count(() => x.chunk(2, 0)).Bytes);
        Assert.Equal(96, Count(() => x.exp()).Bytes);
        Assert.Equal(192, Count(() => x.to(float64)).Bytes);
        Assert.Equal(4 * 6 * (4 + 8), Count(() => x.sort(1)).Bytes);
        Assert.Equal(
            2 * 8 * 5 * 5 * 4,
            Count(() => functional.conv2d(zeros(2, 3, 7, 7), zeros(8, 3, 3, 3))).Bytes - 4 * (2 * 3 * 7 * 7 + 8 * 3 * 3 * 3)
        );
    }

    [Fact]
    public void SumAndDifference()
    {
        var (a, b) = (new OperationCounts(5, 3, 2), new OperationCounts(1, 2, 3));
        Assert.Equal(new OperationCounts(6, 5, 5), a + b);
        Assert.Equal(new OperationCounts(4, 1, -1), a - b);
    }
}
