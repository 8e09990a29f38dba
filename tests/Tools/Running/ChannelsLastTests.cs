using Tessera.Tests.Tools.Configs;

namespace Tessera.Tests.Tools.Running;

/// <summary>Channels last is left off where oneDNN's backward pass would write beyond its buffer, and stays on beside it.</summary>
[Collection(InProcess.Name)]
public sealed class ChannelsLastTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-layout").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(8, "fp32", false)]
    [InlineData(16, "fp32", true)]
    public void Auto_AvoidsStridedPointwiseConvolutionsOfFewChannels(int channels, string precision, bool expected)
    {
        var path = Path.Combine(Snippets.Repository, "configs/retinanet/retinanet-small_shapes.json");
        var run = Tool.Run([
                "train",
                path,
                "--work-dir",
                _folder,
                "--device",
                "cpu",
                "--cfg-options",
                $"model.backbone.base_channels={channels}",
                $"precision={precision}",
                "train.loop=iterations",
                "train.iterations=2",
                "train.validate_every=0",
                "train.loader.workers=0",
                "train.loader.batch_size=4",
                "train.dataset.count=8",
                "hooks.checkpoint=null",
            ])
            .Succeeds();
        Assert.Matches($@"channels last +{(expected ? "yes" : "no")}", run.All);
    }
}
