using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Operators that arrange, choose and place elements.</summary>
internal static class ShapeRows
{
    public static IEnumerable<Row> All { get; } =
    [
        new("expand", ["Tensor::expand", "Tensor::expand_as"], x => [x[0].expand(2, 3, 4), x[0].expand(2, -1, 4), x[0].expand_as(x[1])]),
        new("flatten", ["Tensor::flatten"], x => [x[0].flatten(), x[0].flatten(1), x[0].flatten(0, 1)]),
        new("flip", ["Tensor::flip"], x => [x[0].flip(0, 2)]),
        new("roll", ["Tensor::roll"], x => [x[0].roll([-1, 2], [1, 2])]),
        new(
            "permute",
            ["Tensor::permute", "Tensor::transpose", "Tensor::movedim"],
            x => [x[0].permute(2, 0, 1), x[0].transpose(0, 2), x[0].movedim([-1], [1])]
        ),
        new("t", ["Tensor::t", "Tensor::contiguous"], x => [x[0].t().contiguous()]),
        new("repeat", ["Tensor::repeat", "Tensor::repeat_interleave"], x => [x[0].repeat(2, 1, 3), x[0].repeat_interleave(2, 0)]),
        new(
            "reshape",
            ["Tensor::reshape", "Tensor::view", "Tensor::view_as"],
            x => [x[0].reshape(3, -1), x[0].t().reshape(6), x[0].view(-1), x[0].view(3, 2), x[0].view_as(x[1])]
        ),
        new(
            "squeeze",
            ["Tensor::squeeze", "Tensor::unsqueeze"],
            x => [x[0].squeeze(), x[0].squeeze(1), x[0].unsqueeze(0), x[0].unsqueeze(-1)]
        ),
        new("unbind", ["Tensor::unbind"], x => x[0].unbind(1)),
        new("unflatten", ["Tensor::unflatten"], x => [x[0].unflatten(1, [2, -1]), x[0].unflatten(0, [1, 2])]),
        new("split", ["Tensor::split", "Tensor::chunk"], x => [.. x[0].split(2, 0), .. x[0].split([1, 3], 1), .. x[0].chunk(2, 1)]),
        new(
            "cat",
            ["torch::cat", "torch::stack"],
            x => [cat([x[0], x[1]], 1), stack([x[0].select(1, 0), x[1].select(1, 1)], 1), cat(Twice(x[0]))]
        ),
        new("narrow", ["Tensor::narrow", "Tensor::select"], x => [x[0].narrow(1, 1, 2), x[0].select(1, 2), x[0].select(0, -1)]),
        new("slice", ["Tensor::slice"], x => [x[0].slice(1, 1, 4, 2), x[0].slice(0, -2, 3, 1)]),
        new("diagonal", ["Tensor::diagonal"], x => [x[0].diagonal(0, 0, 1), x[0].diagonal(1, 1, 2)]),
        new(
            "items",
            ["Tensor::get_TensorItems", "TensorIndex::Slice", "TensorIndex::op_Implicit"],
            x => [x[0][1], x[0][1, 2], x[0][TensorIndex.Slice(), 1..3], x[0][TensorIndex.Ellipsis, 0]]
        ),
        new(
            "set_item",
            ["Tensor::set_TensorItems"],
            x =>
            {
                var changed = x[0].clone();
                changed[1] = tensor((float[])[5, 6]);
                return [changed];
            }
        ),
        new("index_select", ["Tensor::index_select"], x => [x[0].index_select(0, x[1]), x[0].index_select(1, x[1].narrow(0, 1, 2))]),
        new("gather", ["Tensor::gather"], x => [x[0].gather(1, x[1])]),
        new("scatter", ["Tensor::scatter"], x => [x[0].scatter(1, x[1], x[2])]),
        new(
            "index_add",
            ["Tensor::index_add", "Tensor::index_add_"],
            x => [x[0].index_add(0, x[1], x[2], 1), x[0].clone().index_add_(0, x[1], x[2], 0.5)]
        ),
        new("index_copy_", ["Tensor::index_copy_"], x => [x[0].clone().index_copy_(0, x[1], x[2])]),
        new("index_fill_", ["Tensor::index_fill_"], x => [x[0].clone().index_fill_(1, x[1], -1)]),
        new("index", ["Tensor::index"], x => [x[0].index(x[1], x[2]), x[0].index(x[1])]),
    ];

    private static Tensor[] Twice(Tensor tensor) => [tensor, tensor];
}
