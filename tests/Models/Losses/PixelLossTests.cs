using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Losses;
using static Tessera.Tests.Models.Losses.PixelDefinitions;
using static Tessera.Tests.Models.Losses.RmiDefinition;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>Losses of maps against loops over pixels in doubles, straight from their definitions: in value, and in gradient by
/// differences.</summary>
public sealed class PixelLossTests
{
    public static TheoryData<string, int> Cases()
    {
        var data = new TheoryData<string, int>();
        foreach (var name in s_losses.Keys)
            for (var seed = 0; seed < 6; seed++)
                data.Add(name, seed);
        return data;
    }

    public static TheoryData<string> Names() => [.. s_losses.Keys];

    // Each loss with its definition: probabilities [image, class, y, x] and labels [image, y, x] (255 ignored) to the value.
    private static readonly Dictionary<string, (Func<Loss> Loss, Func<Example, double> Value)> s_losses = new()
    {
        ["cross entropy"] = (() => new CrossEntropyLoss(new()), e => e.Mean(i => -Math.Log(i.Truth))),
        ["cross entropy, weights"] = (() => new CrossEntropyLoss(new(s_weight)), e => e.Mean(i => -Math.Log(i.Truth), s_weight)),
        ["cross entropy, smoothing"] = (
            () => new CrossEntropyLoss(new(LabelSmoothing: 0.2)),
            e => e.Mean(i => -((0.8 * Math.Log(i.Truth)) + (0.05 * i.P.Sum(Math.Log))))
        ),
        ["cross entropy, over all pixels"] = (
            () => new CrossEntropyLoss(new(AvgNonIgnore: false)),
            e => e.Mean(i => -Math.Log(i.Truth)) * e.Valid().Length / e.Pixels
        ),
        ["cross entropy, weights, over all pixels"] = (
            () => new CrossEntropyLoss(new(s_weight, AvgNonIgnore: false)),
            e => Weighted(e, i => -Math.Log(i.Truth))
        ),
        ["focal, weights, over all pixels"] = (
            () => new FocalLoss(new(2, ClassWeight: s_weight, AvgNonIgnore: false)),
            e => Weighted(e, i => -Math.Pow(1 - i.Truth, 2) * Math.Log(i.Truth))
        ),
        ["ohem, over all pixels"] = (
            () => new OhemCrossEntropyLoss(new(0.3, 3, AvgNonIgnore: false)),
            e => Ohem(e, 0.3, 3, null) * OhemKept(e, 0.3, 3).Length / e.Pixels
        ),
        ["ohem, over all that count"] = (
            () => new OhemCrossEntropyLoss(new(0.3, 3, AvgKept: false)),
            e => Ohem(e, 0.3, 3, null) * OhemKept(e, 0.3, 3).Length / Math.Max(1, e.Valid().Length)
        ),
        ["ohem, weights, over all that count"] = (
            () => new OhemCrossEntropyLoss(new(0.3, 3, ClassWeight: s_weight, AvgKept: false)),
            e =>
                Ohem(e, 0.3, 3, s_weight)
                * OhemKept(e, 0.3, 3).Sum(pixel => s_weight[pixel.Label])
                / e.Valid().Sum(pixel => s_weight[pixel.Label])
        ),
        ["focal"] = (
            () => new FocalLoss(new(2, ClassWeight: s_weight)),
            e => e.Mean(i => -Math.Pow(1 - i.Truth, 2) * Math.Log(i.Truth), s_weight)
        ),
        ["ohem by threshold"] = (() => new OhemCrossEntropyLoss(new(0.3, 3)), e => Ohem(e, 0.3, 3, null)),
        ["ohem by number"] = (() => new OhemCrossEntropyLoss(new(null, 7)), e => Ohem(e, 0, 7, null)),
        ["ohem, weights, per image"] = (() => new OhemCrossEntropyLoss(new(0.1, 6, true, s_weight)), e => Ohem(e, 0.1, 12, s_weight)),
        ["lovasz"] = (() => new LovaszLoss(new()), e => Lovasz(e.Valid(), ClassChoice.Present, null)),
        ["lovasz, all, weights"] = (
            () => new LovaszLoss(new(ClassChoice.All, ClassWeight: s_weight)),
            e => Lovasz(e.Valid(), ClassChoice.All, s_weight)
        ),
        ["lovasz per image"] = (
            () => new LovaszLoss(new(PerImage: true)),
            e => OverImages(e, pixels => Lovasz(pixels, ClassChoice.Present, null))
        ),
        ["dice"] = (() => new DiceLoss(new()), e => Region(e.Valid(), Dice(1, true), ClassChoice.All, null)),
        ["dice, plain, present"] = (
            () => new DiceLoss(new(0, false, s_weight, ClassChoice.Present)),
            e => Region(e.Valid(), Dice(0, false), ClassChoice.Present, s_weight)
        ),
        ["tversky"] = (() => new TverskyLoss(new()), e => Region(e.Valid(), Tversky(1), ClassChoice.All, null)),
        ["tversky, focal"] = (
            () => new TverskyLoss(new(Gamma: 0.75, Classes: ClassChoice.Present)),
            e => Region(e.Valid(), Tversky(0.75), ClassChoice.Present, null)
        ),
        ["boundary"] = (() => new BoundaryLoss(new()), e => Boundary(e, null, 1)),
        ["boundary, normalised, weights"] = (
            () => new BoundaryLoss(new(true, s_weight)),
            e => Boundary(e, s_weight, 1 / Math.Sqrt((e.Height * e.Height) + (e.Width * e.Width)))
        ),
        ["rmi, max"] = (() => new RmiLoss(new(Radius: 2, Stride: 2)), e => Rmi(e, 2, 2, true, 0.5)),
        ["rmi, average"] = (
            () => new RmiLoss(new(Radius: 2, Pool: MapPooling.Average, Stride: 3, Lambda: 0.2)),
            e => Rmi(e, 2, 3, false, 0.2)
        ),
        ["rmi, unpooled"] = (() => new RmiLoss(new(Radius: 3, Stride: 1, Lambda: 0)), e => Rmi(e, 3, 1, true, 0)),
    };

    [Theory, MemberData(nameof(Cases))]
    public void Loss_RandomMaps_EqualsTheLoopInValueAndGradient(string name, int seed)
    {
        // 0 to 2: random; 3: one class only; 4: the second image ignored; 5: one valid pixel.
        var random = new Random(seed);
        var (height, width) = (random.Next(6, 9), random.Next(6, 9));
        var logits = new double[2, Classes, height, width];
        var labels = new long[2, height, width];
        for (var b = 0; b < 2; b++)
        {
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    for (var c = 0; c < Classes; c++)
                        logits[b, c, y, x] = (random.NextDouble() * 6) - 3;
                    labels[b, y, x] =
                        random.NextDouble() < 0.2 ? 255
                        : seed == 3 ? 2
                        : random.Next(Classes - (seed == 1 ? 1 : 0));
                    if ((seed == 4 && b == 1) || seed == 5)
                        labels[b, y, x] = 255;
                }
            }
        }
        if (seed == 5)
            labels[0, 2, 3] = 1;

        var (loss, definition) = s_losses[name];
        using var scope = NewDisposeScope();
        var tensorOfLogits = tensor(logits.Cast<double>().ToArray(), [2, Classes, height, width]).to(ScalarType.Float32).requires_grad_();
        var tensorOfLabels = tensor(labels.Cast<long>().ToArray(), [2, height, width]);
        var value = loss().Compute(tensorOfLogits, new LossTargets(tensorOfLabels), default);
        value.backward();

        double At() => definition(new Example(logits, labels, name.StartsWith("rmi", StringComparison.Ordinal)));
        var expected = At();
        Assert.Equal(expected, value.item<float>(), 1e-4 * Math.Max(1, Math.Abs(expected)));
        var gradient = tensorOfLogits.grad!;
        for (var probe = 0; probe < 25; probe++)
        {
            var (b, c, y, x) = (random.Next(2), random.Next(Classes), random.Next(height), random.Next(width));
            const double Step = 1e-5;
            var kept = logits[b, c, y, x];
            logits[b, c, y, x] = kept + Step;
            var above = At();
            logits[b, c, y, x] = kept - Step;
            var slope = (above - At()) / (2 * Step);
            logits[b, c, y, x] = kept;
            Assert.Equal(slope, gradient[b, c, y, x].item<float>(), 2e-3 * Math.Max(0.1, Math.Abs(slope)));
            if (labels[b, y, x] == 255)
                Assert.Equal(0, gradient[b, c, y, x].item<float>());
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Loss_EverythingIgnored_IsZeroWithZeroGradient(string name)
    {
        using var scope = NewDisposeScope();
        var logits = Formula.Values("logits.weight", 2 * Classes * 9 * 8).mul(10).reshape(2, Classes, 9, 8).detach().requires_grad_();
        var value = s_losses[name].Loss().Compute(logits, new LossTargets(full([2, 9, 8], 255, ScalarType.Int64)), default);
        Assert.Equal(0, value.item<float>());
        value.backward();
        Assert.True(logits.grad!.eq(0).all().item<bool>());
    }

    [Theory, MemberData(nameof(Names))]
    public void Loss_CertainLogits_AreFinite(string name)
    {
        using var scope = NewDisposeScope();
        var labels = arange(2 * 9 * 8, dtype: ScalarType.Int64).div(7, RoundingMode.floor).remainder(Classes).reshape(2, 9, 8);
        foreach (var sign in new[] { 300f, -300f }) // right, and wrong, beyond doubt
        {
            var logits = (nn.functional.one_hot(labels, Classes).permute(0, 3, 1, 2).to(ScalarType.Float32) * sign)
                .detach()
                .requires_grad_();
            var value = s_losses[name].Loss().Compute(logits, new LossTargets(labels), default);
            value.backward();
            Assert.True(float.IsFinite(value.item<float>()) && logits.grad!.isfinite().all().item<bool>());
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Loss_OfBFloat16Logits_ComputesInFloat32(string name)
    {
        using var scope = NewDisposeScope();
        var logits = Formula.Values("logits.weight", 2 * Classes * 9 * 8).mul(10).reshape(2, Classes, 9, 8).to(ScalarType.BFloat16);
        var labels = new LossTargets(arange(2 * 9 * 8, dtype: ScalarType.Int64).remainder(Classes).reshape(2, 9, 8));
        var half = s_losses[name].Loss().Compute(logits, labels, default);
        Assert.Equal(ScalarType.Float32, half.dtype);
        Assert.Equal(s_losses[name].Loss().Compute(logits.to(ScalarType.Float32), labels, default).item<float>(), half.item<float>());
    }

    [Fact]
    public void Ohem_EverythingKept_IsCrossEntropy()
    {
        using var scope = NewDisposeScope();
        var logits = Formula.Values("logits.weight", 2 * Classes * 9 * 8).mul(10).reshape(2, Classes, 9, 8);
        var targets = new LossTargets(arange(2 * 9 * 8, dtype: ScalarType.Int64).remainder(Classes).reshape(2, 9, 8));
        Assert.Equal(
            new CrossEntropyLoss(new(s_weight)).Compute(logits, targets, default).item<float>(),
            new OhemCrossEntropyLoss(new(0.5, int.MaxValue, ClassWeight: s_weight)).Compute(logits, targets, default).item<float>(),
            1e-6f
        );
    }

    [Fact]
    public void Ohem_MeanOverAllAndOverTheKept_IsAMistake()
    {
        var mistake = Assert.Throws<UserErrorException>(() => new OhemCrossEntropyLoss(new(AvgNonIgnore: false, AvgKept: true)));
        Assert.Contains("avg_kept true contradicts it", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lovasz_HardPredictions_IsOneMinusIoU()
    {
        // Probabilities of 0 and 1: the extension meets the Jaccard loss. Truth 0 0 0 1, prediction 0 0 1 1: IoU 2/3 and 1/2.
        using var scope = NewDisposeScope();
        var predicted = nn.functional.one_hot(tensor(new long[] { 0, 0, 1, 1 }), 2).t().reshape(1, 2, 2, 2).to(ScalarType.Float32) * 100;
        var value = new LovaszLoss(new()).Compute(predicted, new LossTargets(tensor(new long[] { 0, 0, 0, 1 }).reshape(1, 2, 2)), default);
        Assert.Equal(1 - ((2.0 / 3 + 0.5) / 2), value.item<float>(), 1e-6);
    }

    [Fact]
    public void Lovasz_OnHost_EqualsTheDevicesOperations()
    {
        using var scope = NewDisposeScope();
        var p = (Formula.Values("logits.weight", 4 * 3000).reshape(4, 3000) * 200).softmax(0);
        var labels = arange(3000, dtype: ScalarType.Int64).remainder(3); // class 3 is nowhere
        long[] counts = [1000, 1000, 1000, 0];
        foreach (var c in new[] { 0, 2, 3 }) // of equal errors either may come first: slopes differ then, their sum doesn't
        {
            double Total((Tensor Slopes, Tensor Constant) found) => ((p[c] * found.Slopes[0]).sum() + found.Constant).item<float>();
            Assert.Equal(
                Total(LovaszSlopes.OnDevice(p, labels, [c], [0.3], counts)),
                Total(LovaszSlopes.OnHost(p, labels, [c], [0.3], counts)),
                1e-6
            );
        }
        var (slopes, _) = LovaszSlopes.OnHost(p, labels, [0, 2, 3], [0.5, 0.2, 0.3], counts);
        Assert.Equal(0.3f, slopes[2].sum().item<float>(), 1e-6f);
    }

    [Fact]
    public void Rmi_MapsSmallerThanItsRadius_IsTheUsersMistake()
    {
        using var scope = NewDisposeScope();
        var mistake = Assert.Throws<UserErrorException>(() =>
            new RmiLoss(new()).Compute(zeros(1, 3, 5, 5), new LossTargets(zeros([1, 5, 5], ScalarType.Int64)), default)
        );
        Assert.StartsWith(
            "RmiLoss: maps of 2 x 2 pixels after pooling are smaller than a radius of 3.",
            mistake.Message,
            StringComparison.Ordinal
        );
    }
}
