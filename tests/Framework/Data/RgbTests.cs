using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;

namespace Tessera.Tests.Framework.Data;

public class RgbTests
{
    [Theory]
    [InlineData("#804080", 0x804080)]
    [InlineData("128,64,128", 0x804080)]
    [InlineData(" [0, 0, 255] ", 0x0000FF)]
    [InlineData("#80408", null)]
    [InlineData("1,2", null)]
    [InlineData("1,2,256", null)]
    [InlineData("#GG0000", null)]
    [InlineData("17", null)]
    public void TryParse_TakesHexAndNumbers(string text, int? value) =>
        Assert.Equal(value, Rgb.TryParse(text, out var color) ? color.Value : null);

    [Fact]
    public void Palette_TravelsWithTheClassNames()
    {
        var info = new CheckpointInfo
        {
            Config = ConfigDocument.Empty,
            Data = new DataInfo(["sky", "road"], DataTask.Segmentation) { Palette = [new(70, 130, 180), new(128, 64, 128)] },
            Epoch = 0,
            Iteration = 0,
        };
        var back = CheckpointInfo.FromJson(info.ToJson(), "a.safetensors");
        Assert.Equal(["#4682B4", "#804080"], back.Data.Palette!.Select(color => color.ToString()));
        var without = CheckpointInfo.FromJson(
            (info with { Data = new DataInfo(["a"], DataTask.Classification) }).ToJson(),
            "a.safetensors"
        );
        Assert.Null(without.Data.Palette);
    }
}
