using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Losses;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

public sealed class RegressionLossTests
{
    // Differences 0.5, -3, 0, 2.
    private static readonly float[,] _predicted =
    {
        { 1.5f, -2 },
        { 7, 6 },
    };
    private static readonly float[,] _truth =
    {
        { 1, 1 },
        { 7, 4 },
    };

    [Fact]
    public void Mse_IsMeanSquare() => Assert.Equal((0.25 + 9 + 0 + 4) / 4, Value(new MseLoss(new())), 5);

    [Fact]
    public void Mse_TargetWeight_WeighsColumns() =>
        Assert.Equal(((2 * 0.25) + (3 * 9) + 0 + (3 * 4)) / 4, Value(new MseLoss(new([2, 3]))), 5);

    [Fact]
    public void L1_IsMeanAbsolute() => Assert.Equal((0.5 + 3 + 0 + 2) / 4, Value(new L1Loss(new())), 5);

    [Fact]
    public void Huber_Delta2_SquaresTheSmall() =>
        // ½ 0.5², 2 (3 - 1), 0, ½ 2²
        Assert.Equal((0.125 + 4 + 0 + 2) / 4, Value(new HuberLoss(new(2))), 5);

    [Fact]
    public void SmoothL1_Beta2_SquaresTheSmall() =>
        // ½ 0.5² / 2, 3 - 1, 0, 2 - 1
        Assert.Equal((0.0625 + 2 + 0 + 1) / 4, Value(new SmoothL1Loss(new(2))), 5);

    [Fact]
    public void Huber_IsBetaTimesSmoothL1() => Assert.Equal(0.7 * Value(new SmoothL1Loss(new(0.7))), Value(new HuberLoss(new(0.7))), 5);

    [Fact]
    public void Mse_OtherNumberOfTargets_IsTheUsersMistake() =>
        Assert.Equal(
            "MseLoss: the head gives [2, 2], the data [2, 3].",
            Assert
                .Throws<UserErrorException>(() =>
                    new MseLoss(new()).Compute(tensor(_predicted), new LossTargets(Values: zeros(2, 3)), default)
                )
                .Message
        );

    private static double Value(Loss loss)
    {
        using var scope = NewDisposeScope();
        return loss.Compute(tensor(_predicted), new LossTargets(Values: tensor(_truth)), default).item<float>();
    }
}
