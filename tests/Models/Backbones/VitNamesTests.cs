using System.Text.Json;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;

namespace Tessera.Tests.Models.Backbones;

/// <summary>Whole published networks: every tensor's name and shape, and the number of parameters, as timm has them; see
/// make_vit.py.</summary>
public sealed class VitNamesTests
{
    private static readonly JsonElement _networks = FixtureFile.Json("models", "vit_names.json");

    public static TheoryData<string, string, long> Networks() =>
        new()
        {
            { "vit_small_patch14_dinov2", Of("small", 518, VitFamilies.Dinov2), 22_056_192 },
            { "vit_base_patch14_dinov2", Of("base", 518, VitFamilies.Dinov2), 86_579_712 },
            { "vit_large_patch14_dinov2", Of("large", 518, VitFamilies.Dinov2), 304_367_616 },
            { "vit_small_patch14_reg4_dinov2", Of("small", 518, VitFamilies.Dinov2Registers), 22_057_344 },
            { "vit_base_patch14_reg4_dinov2", Of("base", 518, VitFamilies.Dinov2Registers), 86_582_016 },
            { "vit_large_patch14_reg4_dinov2", Of("large", 518, VitFamilies.Dinov2Registers), 304_370_688 },
            { "vit_small_patch16_dinov3", Of("small", 256, VitFamilies.Dinov3), 21_586_944 },
            { "vit_base_patch16_dinov3", Of("base", 256, VitFamilies.Dinov3), 85_641_216 },
            { "vit_large_patch16_dinov3", Of("large", 256, VitFamilies.Dinov3), 303_079_424 },
            {
                "vit_base_patch16_dinov3_qkvb",
                Of(
                    "base",
                    256,
                    VitFamilies.Dinov3.Replace("\"qkv_bias\": false", "\"qkv_layout\": \"no_key_bias\"", StringComparison.Ordinal)
                ),
                85_659_648
            },
            { "deit3_small_patch16_224", Of("small", 224, VitFamilies.Deit3), 22_059_496 },
            { "deit3_base_patch16_224", Of("base", 224, VitFamilies.Deit3), 86_585_320 },
            { "eva02_tiny_patch14_224", Of("tiny", 224, VitFamilies.Eva02), 5_502_144 },
            { "eva02_tiny_patch14_336", Of("tiny", 336, VitFamilies.Eva02), 5_756_584 },
            { "eva02_small_patch14_224", Of("small", 224, VitFamilies.Eva02), 21_621_120 },
            { "eva02_small_patch14_336", Of("small", 336, VitFamilies.Eva02), 22_129_000 },
            { "eva02_base_patch14_224", Of("base", 224, VitFamilies.Eva02Base), 85_758_720 },
            { "eva02_base_patch14_448", Of("base", 448, VitFamilies.Eva02Base), 87_117_544 },
            { "vit_base_patch16_siglip_224", Of("base", 224, VitFamilies.Siglip), 92_884_224 },
            { "vit_base_patch16_clip_224", Of("base", 224, VitFamilies.Clip), 86_568_424 },
            { "vit_base_patch16_clip_quickgelu_224", Of("base", 224, VitFamilies.OpenAiClip), 86_193_152 },
        };

    [Theory]
    [MemberData(nameof(Networks))]
    public void Family_NamesShapesAndCount_AreTimms(string name, string config, long parameters)
    {
        var network = _networks.GetProperty(name);
        Assert.Equal(parameters, network.GetProperty("parameters").GetInt64());
        var tensors = network.GetProperty("tensors").EnumerateObject().ToDictionary(entry => entry.Name, entry => Shape(entry.Value));
        var head = tensors.Where(entry => entry.Key.StartsWith("head.", StringComparison.Ordinal)).Sum(entry => Size(entry.Value));

        // Blocks are alike: one tells their names, two how many parameters each has.
        using var one = Build.From<Backbone>(config.Replace("DEPTH", "1", StringComparison.Ordinal));
        using var two = Build.From<Backbone>(config.Replace("DEPTH", "2", StringComparison.Ordinal));
        var (first, second) = (Count(one), Count(two));
        Assert.Equal(parameters, head + first + ((network.GetProperty("blocks").GetInt32() - 1) * (second - first)));

        var map = one.KeyMaps["timm"];
        Assert.Equal(
            tensors.Where(entry => !entry.Key.StartsWith("head.", StringComparison.Ordinal)).Select(Text).Order(StringComparer.Ordinal),
            one.state_dict()
                .Select(entry =>
                    KeyValuePair.Create(
                        map.Publish!(entry.Key)!.Replace("blocks.0.", "blocks.*.", StringComparison.Ordinal),
                        entry.Value.shape
                    )
                )
                .Select(Text)
                .Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("swinv2_tiny_window8_256", """ "arch": "tiny" """, 28_347_154)]
    [InlineData("swinv2_tiny_window16_256", """ "arch": "tiny", "window_size": 16, "image_size": 256 """, 28_347_154)]
    [InlineData("swinv2_small_window8_256", """ "arch": "small" """, 49_728_418)]
    [InlineData("swinv2_base_window8_256", """ "arch": "base" """, 87_918_816)]
    public void SwinV2_NamesShapesAndCount_AreTimms(string name, string options, long parameters)
    {
        var network = _networks.GetProperty(name);
        Assert.Equal(parameters, network.GetProperty("parameters").GetInt64());
        using var model = Build.From<Backbone>($$"""{ "type": "SwinTransformerV2", {{options}}, "out_indices": [3] }""");
        var tensors = network.GetProperty("tensors").EnumerateObject().ToDictionary(entry => entry.Name, entry => Shape(entry.Value));
        var head = tensors.Where(entry => entry.Key.StartsWith("head.", StringComparison.Ordinal)).Sum(entry => Size(entry.Value));
        Assert.Equal(parameters, head + Count(model));
        var map = model.KeyMaps["timm"];
        Assert.Equal(
            tensors.Where(entry => !entry.Key.StartsWith("head.", StringComparison.Ordinal)).Select(Text).Order(StringComparer.Ordinal),
            model
                .state_dict()
                .Select(entry => KeyValuePair.Create(map.Publish!(entry.Key)!, entry.Value.shape))
                .Select(Text)
                .Order(StringComparer.Ordinal)
        );
    }

    /// <summary>torchvision counts a bias of the keys, which it holds at 0: 12 blocks of 96, 192, 384 and 768 channels have 4,416
    /// numbers more than here.</summary>
    [Fact]
    public void SwinV2_Tiny_HasTorchvisionsCountButForTheKeysBias()
    {
        var network = FixtureFile.Json("models", "swin_v2_t_names.json");
        using var model = Build.From<Backbone>("""{ "type": "SwinTransformerV2", "out_indices": [3] }""");
        Assert.Equal(28_351_570, network.GetProperty("parameters").GetInt64());
        Assert.Equal(28_351_570, Count(model) + (768 * 1000) + 1000 + (2 * 96) + (2 * 192) + (6 * 384) + (2 * 768));
        var map = model.KeyMaps["torchvision"];
        var own = model.state_dict();
        var filled = new HashSet<string>();
        foreach (var entry in network.GetProperty("tensors").EnumerateObject())
        {
            if (map.Rename(entry.Name) is not { } key)
            {
                Assert.True(entry.Name.StartsWith("head.", StringComparison.Ordinal) || map.Computed!(entry.Name), entry.Name);
                continue;
            }
            Assert.True(filled.Add(key), key);
            if (map.RenameSecond!(entry.Name) is { } second)
                Assert.True(filled.Add(second), second);
            else
                Assert.Equal(Shape(entry.Value), own[key].shape);
        }
        Assert.Equal(own.Keys.Order(StringComparer.Ordinal), filled.Order(StringComparer.Ordinal));
    }

    private static string Of(string arch, int image, string family) =>
        $$"""{ "type": "VisionTransformer", "arch": "{{arch}}", "image_size": {{image}}, "depth": DEPTH, {{family}} }""";

    private static long Count(Backbone model) => model.parameters().Sum(parameter => parameter.numel());

    private static long[] Shape(JsonElement sizes) => [.. sizes.EnumerateArray().Select(n => n.GetInt64())];

    private static long Size(long[] shape) => shape.Aggregate(1L, (a, b) => a * b);

    private static string Text(KeyValuePair<string, long[]> entry) => $"{entry.Key} [{string.Join(", ", entry.Value)}]";
}
