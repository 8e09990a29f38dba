using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Necks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Necks;

public sealed class MultiLevelNeckTests
{
    private const string Transformer =
        """ "type": "VisionTransformer", "embed_dim": 16, "depth": 4, "num_heads": 2, "image_size": 32, "features": "maps" """;

    private sealed record Source(IReadOnlyList<int> OutChannels, IReadOnlyList<int> OutStrides) : IFeatureSource;

    [Theory]
    [InlineData("bilinear", "[0, 1, 2, 3]")]
    [InlineData("deconv", "[0, 1, 2, 3]")]
    [InlineData("bilinear", "[3]")]
    [InlineData("deconv", "[3]")]
    public void Forward_OverATransformer_GivesAPyramidThatTrains(string resize, string indices)
    {
        using var backbone = Formula.Fill(Build.From<Backbone>($$"""{ {{Transformer}}, "out_indices": {{indices}} }"""));
        using var neck = Formula.Fill(
            Build.From<Neck>($$"""{ "type": "MultiLevelNeck", "out_channels": 8, "resize": "{{resize}}" }""", backbone)
        );
        Assert.Equal([4, 8, 16, 32], neck.OutStrides);
        Assert.Equal([8, 8, 8, 8], neck.OutChannels);
        using var scope = NewDisposeScope();
        var maps = neck.call(backbone.call(Formula.Values("images", 2, 3, 40, 77))); // 3 x 5 patches
        Assert.Equal(
            [
                [2, 8, 12, 20],
                [2, 8, 6, 10],
                [2, 8, 3, 5],
                [2, 8, 2, 3],
            ],
            maps.Select(map => map.shape)
        );
        Assert.All(maps, map => Assert.True(map.isfinite().all().item<bool>()));
        maps.Select(map => (map * Formula.Values("images", map.shape)).sum()).Aggregate((a, b) => a + b).backward();
        foreach (var (name, parameter) in neck.named_parameters().Concat(backbone.named_parameters()))
            Assert.True(parameter.grad is { } grad && grad.abs().sum().item<float>() > 0, name);
    }

    /// <summary>Laterals, resizing and 3x3 convolutions one by one, in MMSegmentation's order.</summary>
    [Fact]
    public void Forward_Bilinear_IsItsFormula()
    {
        using var neck = Formula.Fill(new MultiLevelNeck(new MultiLevelNeckOptions(4, [2, 0.5]), new Source([3, 5], [16, 16])));
        var state = neck.state_dict();
        Assert.Equal(
            [
                "convs.0.conv.bias",
                "convs.0.conv.weight",
                "convs.1.conv.bias",
                "convs.1.conv.weight",
                "lateral_convs.0.conv.bias",
                "lateral_convs.0.conv.weight",
                "lateral_convs.1.conv.bias",
                "lateral_convs.1.conv.weight",
            ],
            state.Keys.Order(StringComparer.Ordinal)
        );
        using var scope = NewDisposeScope();
        Tensor[] maps = [Formula.Values("images", 1, 3, 4, 6), Formula.Values("images", 1, 5, 4, 6)];
        var actual = neck.call(maps);
        for (var i = 0; i < 2; i++)
        {
            var x = nn.functional.conv2d(maps[i], state[$"lateral_convs.{i}.conv.weight"], state[$"lateral_convs.{i}.conv.bias"]);
            x = nn.functional.interpolate(
                x,
                scale_factor: i == 0 ? [2, 2] : [0.5, 0.5],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            );
            x = nn.functional.conv2d(x, state[$"convs.{i}.conv.weight"], state[$"convs.{i}.conv.bias"], padding: [1, 1]);
            Assert.True(x.allclose(actual[i], 1e-4, 1e-5));
        }
    }

    [Fact]
    public void Scales_ThatDoNotFit_AreTheUsersMistake()
    {
        Assert.Contains("backbone gives 3 maps", Mistake(new(8), new([4, 4, 4], [16, 16, 16])), StringComparison.Ordinal);
        Assert.Contains("powers of 2", Mistake(new(8, [3]), new([4], [16])), StringComparison.Ordinal);
        Assert.Contains("larger than the image", Mistake(new(8, [8]), new([4], [4])), StringComparison.Ordinal);
        Assert.Contains("gives a vector", Mistake(new(8), new([4], [0])), StringComparison.Ordinal);

        static string Mistake(MultiLevelNeckOptions options, Source source) =>
            Assert.Throws<UserErrorException>(() => new MultiLevelNeck(options, source)).Message;
    }
}
