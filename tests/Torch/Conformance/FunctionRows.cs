using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Functions of torch.nn.functional.</summary>
internal static class FunctionRows
{
    public static IEnumerable<Row> All { get; } =
    [
        new("linear", ["nn.functional::linear"], x => [F.linear(x[0], x[1], x[2]), F.linear(x[0], x[1])]),
        new("conv2d", ["nn.functional::conv2d"], x => [F.conv2d(x[0], x[1], x[2], [2, 1], [1, 0], [1, 2], 2)]),
        new("conv2d_plain", ["nn.functional::conv2d"], x => [F.conv2d(x[0], x[1])]),
        new("max_pool2d", ["nn.functional::max_pool2d"], x => [F.max_pool2d(x[0], 3, 2, 1), F.max_pool2d(x[0], [2, 3], [2, 1])]),
        new("avg_pool2d", ["nn.functional::avg_pool2d"], x => [F.avg_pool2d(x[0], 3, 3, 1)]),
        new("adaptive_avg_pool2d", ["nn.functional::adaptive_avg_pool2d"], x => [F.adaptive_avg_pool2d(x[0], (2, 3))]),
        new(
            "interpolate_nearest",
            ["nn.functional::interpolate"],
            x => [F.interpolate(x[0], size: [5, 3], mode: InterpolationMode.Nearest), F.interpolate(x[0], scale_factor: [2, 2])]
        ),
        new(
            "interpolate_bilinear",
            ["nn.functional::interpolate"],
            x =>
                [
                    F.interpolate(x[0], [7, 3], mode: InterpolationMode.Bilinear, align_corners: false),
                    F.interpolate(x[0], [7, 3], mode: InterpolationMode.Bilinear, align_corners: true),
                ]
        ),
        new(
            "interpolate_bicubic",
            ["nn.functional::interpolate"],
            x =>
                [
                    F.interpolate(x[0], [7, 3], mode: InterpolationMode.Bicubic, align_corners: false),
                    F.interpolate(x[0], [7, 3], mode: InterpolationMode.Bicubic, align_corners: false, antialias: true),
                ]
        ),
        new(
            "grid_sample",
            ["nn.functional::grid_sample"],
            x =>
                [
                    F.grid_sample(x[0], x[1], GridSampleMode.Bilinear, GridSamplePaddingMode.Border, false),
                    F.grid_sample(x[0], x[1], GridSampleMode.Bilinear, GridSamplePaddingMode.Border, true),
                ]
        ),
        new(
            "pad",
            ["nn.functional::pad"],
            x => [F.pad(x[0], [1, 2]), F.pad(x[0], [0, 1, 2, 0]), F.pad(x[0], [0, 0, 0, 0, 1, 1]), F.pad(x[0], [0, -1])]
        ),
        new("unfold", ["nn.functional::unfold"], x => [F.unfold(x[0], (3, 2), padding: (1, 0), stride: (2, 1))]),
        new("gelu", ["nn.functional::gelu"], x => [F.gelu(x[0])]),
        new("softplus", ["nn.functional::softplus"], x => [F.softplus(x[0]), F.softplus(x[0], 2, 3)]),
        new("normalize", ["nn.functional::normalize"], x => [F.normalize(x[0]), F.normalize(x[0], dim: -1, eps: 1e-3)]),
        new("one_hot", ["nn.functional::one_hot"], x => [F.one_hot(x[0], 5), F.one_hot(x[0])]),
        new("attention", ["nn.functional::scaled_dot_product_attention"], x => [F.scaled_dot_product_attention(x[0], x[1], x[2])]),
        new(
            "attention_mask",
            ["nn.functional::scaled_dot_product_attention"],
            x => [F.scaled_dot_product_attention(x[0], x[1], x[2], x[3])]
        ),
        new(
            "attention_causal",
            ["nn.functional::scaled_dot_product_attention"],
            x => [F.scaled_dot_product_attention(x[0], x[1], x[2], is_casual: true)]
        ),
        new(
            "cross_entropy",
            ["nn.functional::cross_entropy"],
            x => [F.cross_entropy(x[0], x[1]), F.cross_entropy(x[0], x[1], reduction: Reduction.None)]
        ),
        new(
            "cross_entropy_options",
            ["nn.functional::cross_entropy"],
            x => [F.cross_entropy(x[0], x[1], Weight, ignore_index: 3, label_smoothing: 0.1)]
        ),
        new("cross_entropy_soft", ["nn.functional::cross_entropy"], x => [F.cross_entropy(x[0], x[1].softmax(1), label_smoothing: 0.1)]),
        new(
            "cross_entropy_map",
            ["nn.functional::cross_entropy"],
            x => [F.cross_entropy(x[0], x[1], ignore_index: 255, reduction: Reduction.None)]
        ),
        new(
            "binary_cross_entropy_with_logits",
            ["nn.functional::binary_cross_entropy_with_logits"],
            x =>
                [
                    F.binary_cross_entropy_with_logits(x[0], x[1].sigmoid()),
                    F.binary_cross_entropy_with_logits(x[0], x[1].sigmoid(), Weight, Reduction.None),
                    F.binary_cross_entropy_with_logits(x[0], x[1].sigmoid(), reduction: Reduction.Sum, pos_weights: Weight),
                ]
        ),
        new(
            "huber_loss",
            ["nn.functional::huber_loss"],
            x => [F.huber_loss(x[0], x[1], 0.5), F.huber_loss(x[0], x[1], reduction: Reduction.None)]
        ),
        new(
            "smooth_l1_loss",
            ["nn.functional::smooth_l1_loss"],
            x => [F.smooth_l1_loss(x[0], x[1], beta: 0.5), F.smooth_l1_loss(x[0], x[1], Reduction.None)]
        ),
        new("l1_loss", ["nn.functional::l1_loss"], x => [F.l1_loss(x[0], x[1]), F.l1_loss(x[0], x[1], Reduction.Sum)]),
        new("mse_loss", ["nn.functional::mse_loss"], x => [F.mse_loss(x[0], x[1]), F.mse_loss(x[0], x[1], Reduction.None)]),
    ];

    private static Tensor Weight => tensor((float[])[0.5f, 1, 2, 1.5f]);
}
