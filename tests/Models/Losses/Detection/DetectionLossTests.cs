using System.Text.Json;
using Tessera.Models.Losses.Detection;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses.Detection;

public sealed class DetectionLossTests
{
    [Theory]
    [InlineData("GIoULoss")]
    [InlineData("DIoULoss")]
    [InlineData("CIoULoss")]
    public void OverlapLoss_RandomBoxes_MatchesTorchvision(string name)
    {
        using var scope = NewDisposeScope();
        var expected = FixtureFile.Json("models", "box_losses.json");
        var a = Rows(expected.GetProperty("a")).requires_grad_();
        var value = Build.From<BoxLoss>($$"""{ "type": "{{name}}" }""").Sum(a, Rows(expected.GetProperty("b")));
        Assert.Equal(expected.GetProperty(name).GetProperty("value").GetDouble(), value.item<float>(), 1e-4);
        value.backward();
        var difference = (a.grad! - Rows(expected.GetProperty(name).GetProperty("gradient"))).abs().max().item<float>();
        Assert.InRange(difference, 0, 1e-5f);
    }

    [Fact]
    public void OverlapLosses_ByHand()
    {
        // 10 x 10 and 10 x 10, shifted by 5 to the right: IoU 50 / 150; hull 15 x 10 wholly covered; centres 5 apart, diagonal² 325.
        Assert.Equal(-Math.Log(1 / 3.0), Value(new IoULoss(new())), 1e-5);
        Assert.Equal(1 - 1 / 3.0, Value(new IoULoss(new(IoULossMode.Linear))), 1e-5);
        Assert.Equal(1 - 1 / 9.0, Value(new IoULoss(new(IoULossMode.Square))), 1e-5);
        Assert.Equal(1 - 1 / 3.0, Value(new GIoULoss()), 1e-5);
        Assert.Equal(1 - 1 / 3.0 + 25 / 325.0, Value(new DIoULoss()), 1e-5);
        Assert.Equal(1 - 1 / 3.0 + 25 / 325.0, Value(new CIoULoss()), 1e-5); // both square
        Assert.Equal(2 * (1 - 1 / 3.0), Value(new GIoULoss { Weight = 2 }), 1e-5);
        static double Value(BoxLoss loss) =>
            loss.Sum(
                    tensor(
                        new float[,]
                        {
                            { 0, 0, 10, 10 },
                        }
                    ),
                    tensor(
                        new float[,]
                        {
                            { 5, 0, 15, 10 },
                        }
                    )
                )
                .item<float>();
    }

    [Fact]
    public void CodeLosses_ByHand()
    {
        var (found, wanted) = (
            tensor(
                new float[,]
                {
                    { 0, 0, 0, 0 },
                    { 1, 1, 1, 1 },
                }
            ),
            tensor(
                new float[,]
                {
                    { 0.5f, -3, 0, 2 },
                    { 1, 1, 1, 1.5f },
                }
            )
        );
        Assert.Equal(0.5 + 3 + 2 + 0.5, new BoxL1Loss().Sum(found, wanted).item<float>(), 1e-5);
        // Beta 1: ½ 0.25, 2.5, 1.5, ½ 0.25. The second row counts double.
        Assert.Equal(
            0.125 + 2.5 + 1.5 + 2 * 0.125,
            new BoxSmoothL1Loss(new(1)).Sum(found, wanted, tensor(new float[] { 1, 2 })).item<float>(),
            1e-5
        );
    }

    [Fact]
    public void BoxLosses_NoBoxes_AreZero()
    {
        foreach (
            var loss in new BoxLoss[]
            {
                new BoxL1Loss(),
                new BoxSmoothL1Loss(new()),
                new IoULoss(new()),
                new GIoULoss(),
                new DIoULoss(),
                new CIoULoss(),
            }
        )
        {
            using var scope = NewDisposeScope();
            var none = zeros(0, 4).requires_grad_();
            var value = loss.Sum(none, zeros(0, 4));
            Assert.Equal(0, value.item<float>());
            value.backward();
        }
    }

    [Fact]
    public void OverlapLosses_BoxesWithoutArea_AreFinite()
    {
        foreach (var loss in new BoxLoss[] { new IoULoss(new()), new GIoULoss(), new DIoULoss(), new CIoULoss() })
        {
            using var scope = NewDisposeScope();
            var flat = tensor(
                    new float[,]
                    {
                        { 3, 3, 3, 3 },
                        { 5, 1, 5, 9 },
                    }
                )
                .requires_grad_();
            var value = loss.Sum(
                flat,
                tensor(
                    new float[,]
                    {
                        { 3, 3, 3, 3 },
                        { 0, 0, 4, 4 },
                    }
                )
            );
            Assert.True(double.IsFinite(value.item<float>()), loss.GetType().Name);
            value.backward();
            Assert.True(flat.grad!.isfinite().all().item<bool>(), loss.GetType().Name);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(0.5)]
    [InlineData(0)]
    public void Focal_IsItsDefinition(double gamma)
    {
        float[] logits = [-40, -3, -0.2f, 0, 1.5f, 40];
        var loss = new DenseFocalLoss(new(gamma, 0.3));
        var (absent, present) = (loss.Absent(tensor(logits)).Values<float>(), loss.Present(tensor(logits)).Values<float>());
        for (var i = 0; i < logits.Length; i++)
        {
            var p = 1 / (1 + Math.Exp(-(double)logits[i]));
            // log(1 - p) of a large logit, as -logit - log(1 + exp(-logit)).
            double Log(double x) => -Math.Max(-x, 0) - Math.Log(1 + Math.Exp(-Math.Abs(x)));
            Assert.Equal(-0.7 * Math.Pow(p, gamma) * Log(-logits[i]), absent[i], 1e-4);
            Assert.Equal(-0.3 * Math.Pow(1 - p, gamma) * Log(logits[i]), present[i], 1e-4);
        }
    }

    private static Tensor Rows(JsonElement rows) =>
        tensor(rows.EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(n => n.GetSingle()).ToArray())
            .view(-1, 4)
            .detach()
            .clone();
}
