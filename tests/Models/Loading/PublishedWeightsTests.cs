using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>Checkpoints as others publish them, into whole classifiers.</summary>
public class PublishedWeightsTests
{
    private const string Cifar8 = """
        { "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 8, "stage_channels": [4, 8, 8] }, "head": { "type": "LinearHead", "loss": { "type": "CrossEntropyLoss" } } }
        """;

    [Fact]
    public void LoadWhole_LegacyFileWithModulePrefix_GivesTheReferencesLogits()
    {
        using var model = (ImageClassifier)Build.From<VisionModel>(Cifar8, Build.Classes(3));
        var report = ForeignWeights.LoadWhole(model, FixtureFile.At("checkpoints", "cifar8.th"), Build.Classes(3));
        Assert.True(report.IsComplete);

        var fixture = FixtureFile.Json("checkpoints", "cifar8.json");
        model.eval();
        using var nothing = no_grad();
        using var images = tensor([.. fixture.GetProperty("images").EnumerateArray().Select(value => value.GetSingle())])
            .reshape(2, 3, 16, 16);
        var logits = model.Logits(images).data<float>().ToArray();
        var expected = fixture
            .GetProperty("logits")
            .EnumerateArray()
            .SelectMany(row => row.EnumerateArray())
            .Select(value => value.GetSingle())
            .ToArray();
        Assert.Equal(expected.Length, logits.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], logits[i], 1e-4f);
    }

    [Fact]
    public void LoadWhole_OtherArchitecture_ShowsWhatFits()
    {
        using var model = Build.From<VisionModel>(Cifar8.Replace("[4, 8, 8]", "[4, 8, 16]", StringComparison.Ordinal), Build.Classes(3));
        var error = Assert.Throws<UserErrorException>(() =>
            ForeignWeights.LoadWhole(model, FixtureFile.At("checkpoints", "cifar8.th"), Build.Classes(3))
        );
        Assert.Contains("layer3.0.conv1.weight (here [16, 8, 3, 3], in the file [8, 8, 3, 3])", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Init_InAConfig_LoadsTheBackbone()
    {
        var json = Cifar8.Replace(
            "\"depth\": 8,",
            $$"""
            "depth": 8, "init": { "type": "Pretrained", "checkpoint": {{JsonSerializer.Serialize(
                FixtureFile.At("checkpoints", "cifar8.th")
            )}}, "input_mode": "bgr" },
            """,
            StringComparison.Ordinal
        );
        using var model = Build.From<VisionModel>(json, Build.Classes(7));
        ModelInitialization.Apply(model, new InitContext(Build.Classes(7)));
        using var file = WeightsFile.Open(FixtureFile.At("checkpoints", "cifar8.th"));
        using var stored = file.Read("module.conv1.weight");
        Assert.Equal(stored.flip(1), model.state_dict()["backbone.conv1.weight"]);
        using var later = file.Read("module.layer3.0.conv2.weight");
        Assert.Equal(later, model.state_dict()["backbone.layer3.0.conv2.weight"]);
    }

    /// <summary>The file itself is not part of the project; docs/checkpoints.md says where it comes from. The test above is its small
    /// likeness.</summary>
    [Fact]
    public void LoadWhole_ResNet20AsPublished_IsComplete()
    {
        var root = Environment.GetEnvironmentVariable("TESSERA_DATA_ROOT") ?? Path.Combine(FixtureFile.Repository, "data");
        var path = Path.Combine(root, "resnet20-12fca82f.th");
        if (!File.Exists(path))
            return;
        using var model = Build.From<VisionModel>(
            Cifar8.Replace("\"depth\": 8, \"stage_channels\": [4, 8, 8]", "\"depth\": 20", StringComparison.Ordinal),
            Build.Classes(10)
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, Build.Classes(10)).IsComplete);
    }
}
