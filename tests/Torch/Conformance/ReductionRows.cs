using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Operators that sum, count, order or norm.</summary>
internal static class ReductionRows
{
    public static IEnumerable<Row> All { get; } =
    [
        new("sum", ["Tensor::sum"], x => [x[0].sum(), x[0].sum(1), x[0].sum([0, 2], keepdim: true), x[0].sum((long[])[-1])]),
        new("sum_of_bits", ["Tensor::sum"], _ => [ElementwiseRows.Bits.sum(), ElementwiseRows.Bits.sum(dim: 0)]),
        new("mean", ["Tensor::mean"], x => [x[0].mean(), x[0].mean([1, 2]), x[0].mean([1], keepdim: true)]),
        new(
            "extremes",
            ["Tensor::max", "Tensor::min", "Tensor::amax", "Tensor::amin"],
            x =>
            {
                var (values, places) = x[0].max(1);
                return [x[0].max(), x[0].min(), values, places, x[0].amax([1, 2]), x[0].amin([1, 2])];
            }
        ),
        new(
            "arg",
            ["Tensor::argmax", "Tensor::argsort"],
            x => [x[0].argmax(1), x[0].argmax(-1, keepdim: true), x[0].argsort(1), x[0].argsort(-1, descending: true)]
        ),
        new(
            "sort",
            ["Tensor::sort"],
            x =>
            {
                var (down, downAt) = x[0].sort(0, descending: true);
                var (up, upAt) = x[0].sort(-1);
                return [down, downAt, up, upAt];
            }
        ),
        new(
            "kthvalue",
            ["Tensor::kthvalue"],
            x =>
            {
                var (value, place) = x[0].kthvalue(3, 0);
                return [value, place];
            }
        ),
        new(
            "topk",
            ["Tensor::topk"],
            x =>
            {
                var (most, mostAt) = x[0].topk(2, 1);
                var (least, leastAt) = x[0].topk(3, 0, largest: false);
                return [most, mostAt, least, leastAt];
            }
        ),
        new("cumsum", ["Tensor::cumsum"], x => [x[0].cumsum(1)]),
        new("norm", ["Tensor::norm"], x => [x[0].norm()]),
        new("std", ["Tensor::std"], x => [x[0].std(), x[0].std(unbiased: false)]),
        new("softmax", ["Tensor::softmax", "Tensor::log_softmax"], x => [x[0].softmax(-1), x[0].log_softmax(1)]),
        new("logsumexp", ["Tensor::logsumexp"], x => [x[0].logsumexp(1), x[0].logsumexp(-1, keepdim: true)]),
        new("any", ["Tensor::any"], _ => [ElementwiseRows.Bits.any(), (ElementwiseRows.Bits & ElementwiseRows.Bits.logical_not()).any()]),
        new(
            "all",
            ["Tensor::all"],
            _ => [ElementwiseRows.Bits.all(), ElementwiseRows.Bits.logical_or(ElementwiseRows.Bits.logical_not()).all()]
        ),
        new("bincount", ["Tensor::bincount"], x => [x[0].bincount(null), x[0].bincount(null, 6)]),
        new("nonzero", ["Tensor::nonzero"], _ => [ElementwiseRows.Bits.nonzero()]),
        new(
            "matmul",
            ["Tensor::matmul", "torch::matmul"],
            x =>
            {
                Assert.True(matmul(x[0], x[1]).Equals(x[0].matmul(x[1])));
                return [x[0].matmul(x[1])];
            }
        ),
        new("matmul_broadcast", ["Tensor::matmul"], x => [x[0].matmul(x[1])]),
        new("dot", ["Tensor::dot"], x => [x[0].dot(x[1])]),
        new("outer", ["Tensor::outer"], x => [x[0].outer(x[1])]),
        new("cholesky", ["linalg::cholesky"], x => [linalg.cholesky(x[0].matmul(x[0].t()) + eye(3))]),
        new("solve", ["linalg::solve"], x => [linalg.solve(x[0] + (4 * eye(3)), x[1])]),
        new(
            "svd",
            ["linalg::svd"],
            x =>
            {
                var (u, s, v) = linalg.svd(x[0], fullMatrices: false);
                return [s, (u * s).matmul(v)];
            }
        ),
        new(
            "eigh",
            ["linalg::eigh"],
            x =>
            {
                var (values, vectors) = linalg.eigh(x[0] + x[0].t());
                return [values, (vectors * values).matmul(vectors.t())];
            }
        ),
    ];
}
