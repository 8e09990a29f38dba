using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Processes;

/// <summary>Backbones that are chains: step after step they give what forward gives last, and each parameter is of one step.</summary>
public sealed class ChainTests
{
    public static TheoryData<string> Chains()
    {
        var chains = new TheoryData<string>();
        foreach (var config in ContractConfigs.Backbones().Cast<object[]>().Select(row => (string)row[0]))
        {
            using var backbone = Build.From<Backbone>(config);
            if (backbone is IChainedBackbone && !config.Contains("give_class_token", StringComparison.Ordinal))
                chains.Add(config);
        }
        return chains;
    }

    [Fact]
    public void Chains_AreThese() =>
        Assert.Equal(
            [
                "ConvNeXt",
                "CspDarknet",
                "CspNext",
                "DenseNet",
                "EfficientNet",
                "EfficientNetV2",
                "MobileNetV2",
                "MobileNetV3",
                "RegNet",
                "Res2Net",
                "ResNet",
                "VisionTransformer",
            ],
            Chains().Cast<object[]>().Select(row => ((string)row[0]).Split('"')[3]).Distinct().Order(StringComparer.Ordinal)
        );

    [Theory]
    [MemberData(nameof(Chains))]
    public void Chain_StepAfterStep_GivesWhatForwardGivesLast(string config)
    {
        using var backbone = Formula.Fill(Build.From<Backbone>(config));
        backbone.eval();
        foreach (var (height, width) in new[] { (64, 64), (75, 53) })
        {
            using var scope = NewDisposeScope();
            var images = Formula.Values("images", 2, 3, height, width);
            var x = images;
            foreach (var step in ((IChainedBackbone)backbone).Chain(height, width))
                x = step.Run(x);
            Assert.True(x.equal(backbone.call(images)[^1]).all().item<bool>());
        }
    }

    [Theory]
    [MemberData(nameof(Chains))]
    public void Chain_EveryTensorIsOfOneStep(string config)
    {
        using var backbone = Build.From<Backbone>(config);
        var chain = ((IChainedBackbone)backbone).Chain(64, 64);
        foreach (var key in backbone.state_dict().Keys)
            Assert.Single(chain, step => step.Holds(key));
        Assert.Equal(chain.Count, chain.Select(step => step.Name).Distinct().Count());
    }

    [Theory]
    [InlineData(
        """{ "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 8 }, "head": { "type": "LinearHead" } }""",
        "CifarResNet can't be cut into stages"
    )]
    [InlineData(
        """{ "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "embed_dim": 16, "depth": 2, "num_heads": 2, "features": "maps", "give_class_token": true, "out_indices": [1] }, "head": { "type": "LinearHead" } }""",
        "give_class_token"
    )]
    public void Chain_OfWhatIsNoChain_SaysSo(string config, string message)
    {
        using var model = Build.From<VisionModel>(config, Build.Classes(3));
        var error = Assert.Throws<UserErrorException>(() => ((ImageClassifier)model).Chain(64, 64));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
