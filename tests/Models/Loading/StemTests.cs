using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>Backbones' weights for colour images in backbones for other images: what is the same in all channels gives the same
/// maps.</summary>
public sealed class StemTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public static TheoryData<string> Backbones =>
        [
            """{ "type": "ResNet", "depth": 18, "base_channels": 4 CHANNELS }""",
            """{ "type": "ResNet", "depth": 18, "base_channels": 4, "stem": "deep" CHANNELS }""",
            """{ "type": "CifarResNet", "depth": 8 CHANNELS }""",
            """{ "type": "HRNet", "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1] CHANNELS }""",
            """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8 CHANNELS }""",
            """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [1, 1], "num_heads": [1, 2], "window_size": 3 CHANNELS }""",
            """{ "type": "CrossFormer", "embed_dim": 16, "depths": [1, 1], "num_heads": [1, 2] CHANNELS }""",
            """{ "type": "PyramidVisionTransformer", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "mlp_ratios": [2, 2, 2, 2], "image_size": 32 CHANNELS }""",
            """{ "type": "PyramidVisionTransformerV2", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1] CHANNELS }""",
            """{ "type": "CspDarknet", "deepen_factor": 0.33, "widen_factor": 0.0625, "out_indices": [2] CHANNELS }""",
            """{ "type": "CspNext", "deepen_factor": 0.33, "widen_factor": 0.0625, "out_indices": [2] CHANNELS }""",
            """{ "type": "T2TViT", "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 16, "image_size": 32 CHANNELS }""",
            """{ "type": "T2TViT", "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 16, "tokens": "transformer", "image_size": 32 CHANNELS }""",
        ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Init_OtherChannels_GivesTheSameForGrayImages(string config)
    {
        // The attention of this one is scaled by the width of what comes in, which follows the channels.
        var exact = !config.Contains("\"tokens\": \"transformer\"", StringComparison.Ordinal);
        using var colour = New(config, 3);
        Formula.Fill(colour);
        using (no_grad())
            // one factor a pixel, so that the mean is exact
            foreach (var norm in colour.StemTensors.Where(stem => stem.Role == StemRole.Norm))
            {
                var values = colour.state_dict()[norm.Name].unflatten(0, [3, norm.Inner]);
                values.copy_(values.select(0, 0).clone().expand_as(values));
            }
        var path = Save(colour, 3);
        foreach (var channels in new[] { 1, 2, 4, 6 })
        {
            using var other = New(config, channels);
            Load(other, path);
            if (exact && (channels % 3 == 0 || channels == 1))
                AssertGray(colour, other, 3, channels);
            AssertFilled(colour, other);
        }
        using var gray = New(config, 1);
        Load(gray, path);
        using var again = New(config, 3);
        Load(again, Save(gray, 1));
        if (exact)
            AssertGray(colour, again, 3, 3);
    }

    private static Backbone New(string config, int channels) =>
        Build.From<Backbone>(config.Replace(" CHANNELS", $", \"in_channels\": {channels}", StringComparison.Ordinal));

    private static void Load(Backbone backbone, string path) =>
        new PretrainedInitializer(new PretrainedOptions(path)).Initialize(backbone, new InitContext());

    private string Save(Backbone backbone, int channels)
    {
        var path = Path.Combine(_folder, $"{channels}.safetensors");
        PlainSafetensors.Write(path, backbone.state_dict().Select(pair => (pair.Key, pair.Value)));
        return path;
    }

    private static void AssertFilled(Backbone expected, Backbone actual)
    {
        var stems = actual.StemTensors.Select(stem => stem.Name).ToHashSet();
        foreach (var (name, value) in expected.state_dict().Where(pair => !stems.Contains(pair.Key)))
            Assert.True(value.Equals(actual.state_dict()[name]), name);
    }

    private static void AssertGray(Backbone expected, Backbone actual, int from, int to)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        expected.eval();
        actual.eval();
        var gray = Formula.Values("images", 2, 1, 32, 32);
        foreach (var (first, second) in expected.call(gray.repeat(1, from, 1, 1)).Zip(actual.call(gray.repeat(1, to, 1, 1))))
            Assert.True(
                first.allclose(second, rtol: 1e-3, atol: 1e-4),
                $"{from} to {to} channels: {(first - second).abs().max().item<float>()}"
            );
    }
}
