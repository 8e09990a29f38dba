using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Running;
using Tessera.Tests.Framework.Running;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Hooks;

[Collection(ProcessWide.Name)]
public sealed class ProgressiveResizeTests
{
    [Theory]
    [InlineData(0.0, 24)] // half of 48
    [InlineData(0.49, 24)]
    [InlineData(0.5, 24)]
    [InlineData(0.6, 32)] // 48 · (0.5 + 0.5 · 0.1 / 0.3) = 32
    [InlineData(0.7, 40)] // 48 · (0.5 + 0.5 · 0.2 / 0.3) = 40
    [InlineData(0.8, 48)]
    [InlineData(1.0, 48)]
    public void Side_GrowsInAStraightLine(double fraction, int side)
    {
        var hook = new ProgressiveResizeHook(new(InitialScale: 0.5, Delay: 0.5, Finetune: 0.2, Multiple: 8));
        Assert.Equal(side, hook.SideAt(48, fraction));
    }

    [Theory]
    [InlineData(45, 0.3, 8, 16)] // 13.5 is nearer to 16 than to 8
    [InlineData(45, 0.1, 8, 8)] // not 0
    [InlineData(5, 0.1, 8, 5)] // never larger than the image
    [InlineData(45, 1.0, 8, 45)] // the pipeline's, whatever the multiple
    public void Side_IsAMultiple(int side, double scale, int multiple, int expected)
    {
        var hook = new ProgressiveResizeHook(new(InitialScale: scale, Delay: 1, Finetune: 0, Multiple: multiple));
        Assert.Equal(expected, hook.SideAt(side, 0));
    }

    [Fact]
    public void Batch_IsResizedToTheMeansOfItsPixels_AndMapsToTheNearest()
    {
        var hook = new ProgressiveResizeHook(new(InitialScale: 0.5, Delay: 0.5, Finetune: 0.5, Multiple: 1));
        var sizes = new List<long>();
        using var model = new TinyModel();
        using var trainer = TrainerTests.Make(
            model,
            loop: TrainerTests.Iterations(4),
            hooks: new()
            {
                ["spy"] = new TrainerTests.Spy
                {
                    Began = run =>
                    {
                        using var batch = Batch4x2();
                        hook.BeforeIteration(run, batch);
                        sizes.Add(batch.Images.shape[2]);
                        Assert.Equal(batch.Images.shape[2..], batch.SegmentationMaps!.shape[1..]);
                        if (batch.Images.shape[2] > 2)
                            return;
                        Assert.Equal([2.5f, 10.5f], batch.Images.cpu().Values<float>()); // (0 + 1 + 4 + 5) / 4, (8 + 9 + 12 + 13) / 4
                        Assert.Equal([0, 255], batch.SegmentationMaps.Values<long>());
                    },
                },
            }
        );
        trainer.Run();
        Assert.Equal([2, 2, 4, 4], sizes);
    }

    [Fact]
    public void PartsLongerThanTheRun_AreAMistake() =>
        Assert.Contains(
            "delay 0.6 and finetune 0.5 are more than the whole run",
            Assert.Throws<UserErrorException>(() => new ProgressiveResizeHook(new(Delay: 0.6, Finetune: 0.5))).Message,
            StringComparison.Ordinal
        );

    /// <summary>One image of four rows, 0 1, 4 5, 8 9, 12 13, with a map.</summary>
    private static Batch Batch4x2() =>
        new()
        {
            Images = tensor(new float[] { 0, 1, 4, 5, 8, 9, 12, 13 }, [1, 1, 4, 2]).DetachFromDisposeScope(),
            SegmentationMaps = tensor(new long[] { 0, 1, 2, 3, 255, 5, 6, 7 }, [1, 4, 2]).DetachFromDisposeScope(),
            Samples = [new Sample { Index = 0, Name = "sample" }],
        };
}
