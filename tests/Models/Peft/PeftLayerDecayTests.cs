using Tessera.Framework.Optimization;

namespace Tessera.Tests.Models.Peft;

/// <summary>What methods add learns at the rate of the layer that it is added to.</summary>
public sealed class PeftLayerDecayTests
{
    [Theory]
    [InlineData("""{ "type": "LoRA", "rank": 2 }""")]
    [InlineData("""{ "type": "Adapter", "bottleneck": 2 }""")]
    [InlineData("""{ "type": "AdaptFormer", "bottleneck": 2 }""")]
    public void LayerDecay_ReachesWhatIsAdded(string method)
    {
        using var model = PeftModels.Classifier(
            """{ "type": "VisionTransformer", "arch": "tiny", "embed_dim": 16, "num_heads": 2, "depth": 2, "image_size": 16, "patch_size": 8 }""",
            $$"""{ "m": {{method}} }"""
        );
        var groups = ParameterGroups.Split(model, new AdamW(new AdamWOptions(1)) { LayerDecay = 0.5 });
        var rates = groups.SelectMany(group => group.Names.Select(name => (name, group.LrMult))).ToDictionary();
        for (var block = 0; block < 2; block++)
        {
            // Two blocks: the last learns at 0.5, the one before it at 0.25; the head at 1.
            var added = rates.Where(rate => rate.Key.StartsWith($"peft.m.backbone.blocks.{block}.", StringComparison.Ordinal)).ToArray();
            Assert.NotEmpty(added);
            Assert.All(added, rate => Assert.Equal(Math.Pow(0.5, 2 - block), rate.Value, 1e-12));
        }
        Assert.Equal(1, rates["head.fc.weight"], 1e-12);
    }
}
