using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.NN;

public class LossParityTests
{
    private static Tensor Weight => tensor([0.5f, 1.0f, 2.0f, 1.5f]);

    private static readonly Dictionary<string, Func<Module>> s_losses = new()
    {
        ["CrossEntropyLoss"] = () => CrossEntropyLoss(),
        ["CrossEntropyLoss_Weighted"] = () => new TorchSharp.Modules.CrossEntropyLoss(Weight, ignore_index: 3, label_smoothing: 0.1),
        ["CrossEntropyLoss_None"] = () => CrossEntropyLoss(reduction: Reduction.None),
        ["NLLLoss"] = () => NLLLoss(Weight),
        ["BCELoss"] = () => BCELoss(),
        ["BCEWithLogitsLoss"] = () => BCEWithLogitsLoss(Weight, pos_weights: Weight + 1),
        ["MSELoss"] = () => MSELoss(),
        ["MSELoss_Sum"] = () => MSELoss(Reduction.Sum),
        ["L1Loss"] = () => L1Loss(),
        ["SmoothL1Loss"] = () => SmoothL1Loss(beta: 0.5),
        ["HuberLoss"] = () => HuberLoss(0.5),
        ["KLDivLoss"] = () => KLDivLoss(log_target: false, Reduction.Sum),
        ["KLDivLoss_LogTarget"] = () => KLDivLoss(reduction: Reduction.Sum),
        ["SoftMarginLoss"] = () => SoftMarginLoss(),
        ["HingeEmbeddingLoss"] = () => HingeEmbeddingLoss(),
        ["MultiLabelSoftMarginLoss"] = () => MultiLabelSoftMarginLoss(Weight),
        ["MultiLabelMarginLoss"] = () => MultiLabelMarginLoss(),
        ["MultiMarginLoss"] = () => MultiMarginLoss(2, 0.8),
        ["PoissonNLLLoss"] = () => PoissonNLLLoss(full: true),
        ["MarginRankingLoss"] = () => MarginRankingLoss(0.3),
        ["CosineEmbeddingLoss"] = () => CosineEmbeddingLoss(0.1),
        ["TripletMarginLoss"] = () => TripletMarginLoss(0.7, swap: true),
        ["TripletMarginWithDistanceLoss"] = () => TripletMarginWithDistanceLoss(margin: 0.7),
    };

    internal static IEnumerable<Delegate> Factories => s_losses.Values;

    public static IEnumerable<object[]> Names => s_losses.Keys.Select(name => new object[] { name });

    [Theory]
    [MemberData(nameof(Names))]
    public void ValueAndGradient_SameInputs_EqualPyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        var expected = Fixture.Case("losses.json", name);
        var inputs = expected
            .GetProperty("inputs")
            .EnumerateArray()
            .Select(packed => Fixture.Tensor(packed, packed.GetProperty("integers").GetBoolean()))
            .ToArray();
        inputs[0].requires_grad_(true);
        using var loss = s_losses[name]();
        var value = loss switch
        {
            Module<Tensor, Tensor, Tensor> two => two.call(inputs[0], inputs[1]),
            Module<Tensor, Tensor, Tensor, Tensor> three => three.call(inputs[0], inputs[1], inputs[2]),
            _ => throw new InvalidOperationException(name),
        };
        Fixture.Close(expected.GetProperty("output"), value, "the loss");
        Fixture.WeightedSum(value).backward();
        Fixture.Close(expected.GetProperty("gradient"), inputs[0].grad, "the gradient");
    }
}
