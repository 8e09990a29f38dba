using Tessera.Torch.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>What makes tensors and fills them; those named Seeded draw the same numbers as PyTorch from the same seed.</summary>
internal static class FactoryRows
{
    public static IEnumerable<Row> All { get; } =
    [
        new(
            "factories",
            ["torch::zeros", "torch::ones", "torch::full", "torch::eye"],
            _ => [zeros(2, 3), ones([3]), full(2, 1.5), eye(2), eye(2, 3)]
        ),
        new("arange", ["torch::arange"], _ => [arange(4), arange(1, 4), arange(3, dtype: ScalarType.Float32)]),
        new(
            "like",
            ["torch::zeros_like", "torch::ones_like", "torch::full_like"],
            x => [zeros_like(x[0]), ones_like(x[0]), full_like(x[0], 3)]
        ),
        new("Seeded_uniform_", ["Tensor::uniform_"], _ => [empty(3, 4).uniform_(-1, 2), empty(5, 7).uniform_(-0.5, 0.5)]),
        new("Seeded_rand", ["torch::rand"], _ => [rand(3, 4)]),
        new("Seeded_randn", ["torch::randn"], _ => [randn(3), randn(5, 7)]),
        new("Seeded_randint", ["torch::randint"], _ => [randint(10, [6], ScalarType.Int64), randint(long.MaxValue, [3], ScalarType.Int64)]),
        new("Seeded_normal_", ["nn.init::normal_"], _ => [init.normal_(empty(3, 4), 0.5, 0.1), init.normal_(empty(5, 7), 0, 2)]),
        new(
            "Seeded_kaiming_normal_",
            ["nn.init::kaiming_normal_"],
            _ => [init.kaiming_normal_(empty(4, 2, 3, 3), mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU)]
        ),
        new("Seeded_xavier_uniform_", ["nn.init::xavier_uniform_"], _ => [init.xavier_uniform_(empty(4, 2, 3, 3), 1.5)]),
        new("Seeded_orthogonal_", ["nn.init::orthogonal_"], _ => [init.orthogonal_(empty(5, 3), 2), init.orthogonal_(empty(3, 5))]),
        new(
            "Seeded_trunc_normal_",
            [],
            _ => [Initialize.TruncatedNormal(empty(6, 5), deviation: 0.02), Initialize.TruncatedNormal(empty(40), 0.5, 1, -0.2, 1.5)]
        ),
        new(
            "constants",
            ["nn.init::constant_", "nn.init::zeros_", "nn.init::ones_", "torch::empty"],
            _ => [init.constant_(empty(2, 3), -4.5), init.zeros_(empty(2)), init.ones_(empty(2))]
        ),
    ];
}
