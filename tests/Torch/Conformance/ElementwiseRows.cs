using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Operators that act on each element alone.</summary>
internal static class ElementwiseRows
{
    public static IEnumerable<Row> All { get; } =
    [
        new("abs", ["Tensor::abs"], x => [x[0].abs()]),
        new("exp", ["Tensor::exp", "torch::exp"], x => [Both(x[0].exp(), exp(x[0]))]),
        new("erf_", ["Tensor::erf_"], x => [x[0].clone().erf_()]),
        new("erfinv_", ["Tensor::erfinv_"], x => [x[0].clone().erfinv_()]),
        new("exp_", ["Tensor::exp_"], x => [x[0].clone().exp_()]),
        new("log", ["Tensor::log"], x => [x[0].log()]),
        new("sqrt", ["Tensor::sqrt"], x => [x[0].sqrt()]),
        new("rsqrt", ["Tensor::rsqrt"], x => [x[0].rsqrt()]),
        new("square", ["Tensor::square"], x => [x[0].square()]),
        new("pow", ["Tensor::pow"], x => [x[0].pow(2), x[0].pow(0.5)]),
        new("cos", ["Tensor::cos"], x => [x[0].cos()]),
        new("sin", ["Tensor::sin"], x => [x[0].sin()]),
        new("atan", ["torch::atan"], x => [atan(x[0])]),
        new("sigmoid", ["Tensor::sigmoid"], x => [x[0].sigmoid()]),
        new("tanh", ["Tensor::tanh"], x => [x[0].tanh()]),
        new("sign", ["Tensor::sign"], x => [x[0].sign()]),
        new("relu", ["Tensor::relu"], x => [x[0].relu()]),
        new("relu_", ["Tensor::relu_"], x => [x[0].clone().relu_()]),
        new("neg", ["Tensor::neg"], x => [x[0].neg()]),
        new("minus", ["Tensor::op_UnaryNegation"], x => [-x[0]]),
        new("add", ["Tensor::add"], x => [x[0].add(x[1]).add(2)]),
        new("add_", ["Tensor::add_", "Tensor::clone"], x => [x[0].clone().add_(x[1]).add_(x[1], 0.5).add_(2)]),
        new("sub", ["Tensor::sub"], x => [x[0].sub(x[1]).sub(2)]),
        new("mul", ["Tensor::mul"], x => [x[0].mul(x[1]).mul(0.3)]),
        new("mul_", ["Tensor::mul_"], x => [x[0].clone().mul_(x[1]).mul_(0.3)]),
        new("div_floor", ["Tensor::div"], x => [x[0].div(0.4, RoundingMode.floor)]),
        new("div_", ["Tensor::div_"], x => [x[0].clone().div_(x[1]).div_(0.3)]),
        new("plus", ["Tensor::op_Addition"], x => [x[0] + x[1] + 0.5 + 1.5f]),
        new("minus_of_two", ["Tensor::op_Subtraction"], x => [3 - (x[0] - x[1] - 0.5 - 2)]),
        new("times", ["Tensor::op_Multiply"], x => [2 * (0.5 * (x[0] * x[1] * 0.25f * 3L * 1.5))]),
        new("quotient", ["Tensor::op_Division"], x => [(1.5 / x[1]) + (3 / x[1]) + (x[0] / x[1] / 0.5 / 2L)]),
        new("maximum", ["Tensor::maximum", "torch::maximum"], x => [Both(x[0].maximum(x[1]), maximum(x[0], x[1]))]),
        new("minimum", ["Tensor::minimum"], x => [x[0].minimum(x[1])]),
        new(
            "clamp",
            ["Tensor::clamp_min", "Tensor::clamp_max", "Tensor::clamp_"],
            x => [x[0].clamp_min(-0.5), x[0].clamp_max(0.5), x[0].clone().clamp_(-0.3, 0.6)]
        ),
        new("and", ["Tensor::op_BitwiseAnd"], _ => [Bits & Other]),
        new(
            "logical",
            ["Tensor::logical_and", "Tensor::logical_or", "Tensor::logical_not"],
            _ => [Bits.logical_and(Other), Bits.logical_or(Other), Bits.logical_not()]
        ),
        new("logical_and_", ["Tensor::logical_and_"], _ => [Bits.clone().logical_and_(Other)]),
        new("remainder", ["Tensor::remainder"], x => [x[0].remainder(3)]),
        new("isfinite", ["Tensor::isfinite"], x => [x[0].log().isfinite()]),
        new(
            "compare",
            ["Tensor::eq", "Tensor::ne", "Tensor::ge", "Tensor::lt"],
            x => [x[0].eq(x[1]), x[0].ne(x[1]), x[0].ge(x[1]), x[0].lt(x[1])]
        ),
        new(
            "compare_number",
            ["Tensor::gt", "Tensor::eq", "Tensor::ne", "Tensor::ge", "Tensor::lt"],
            x => [x[0].eq(2), x[0].ne(2), x[0].ge(2), x[0].gt(2), x[0].lt(2)]
        ),
        new(
            "masked_fill",
            ["Tensor::masked_fill", "Tensor::masked_fill_"],
            x => [x[0].masked_fill(Bits, -2), x[0].clone().masked_fill_(Other, 0.5)]
        ),
        new("where", ["Tensor::where", "torch::where"], x => [Both(x[0].where(Bits, x[1]), where(Bits, x[0], x[1]))]),
        new(
            "fused",
            ["Tensor::addcmul_", "Tensor::addcdiv_"],
            x => [x[0].clone().addcmul_(x[1], x[2], 0.5), x[0].clone().addcdiv_(x[1], x[2], -0.5)]
        ),
        new("logaddexp", ["torch::logaddexp"], x => [logaddexp(x[0], x[1])]),
        new(
            "to",
            ["Tensor::to", "Tensor::to_type"],
            x => [x[0].to(ScalarType.Float64), x[0].to_type(ScalarType.Int32), x[0].gt(0).to(ScalarType.Float32)]
        ),
    ];

    internal static Tensor Bits => tensor((bool[])[true, false, true, false, false, true]).view(2, 3);

    internal static Tensor Other => tensor((bool[])[true, true, false, false, true, true]).view(2, 3);

    /// <summary>The first, after both are found equal.</summary>
    private static Tensor Both(Tensor one, Tensor other)
    {
        Assert.True(one.Equals(other));
        return one;
    }
}
