namespace Tessera.Tests.Models.Peft;

/// <summary>What is trained of ViT-B/16, the head left aside: d = 768, L = 12.</summary>
public sealed class PeftCountTests
{
    [Theory]
    [InlineData("""{ "type": "LoRA", "rank": 8 }""", 294_912)] // 12 · 2 · 2 · 8 · 768
    [InlineData("""{ "type": "LoRA", "roles": ["qkv"], "rank": 8 }""", 12 * 8 * (768 + 2304))]
    [InlineData("""{ "type": "LoRA", "roles": ["query", "key", "value"], "rank": 8 }""", 442_368)]
    [InlineData("""{ "type": "LoRA", "roles": ["mlp"], "rank": 4 }""", 12 * 2 * 4 * (768 + 3072))]
    [InlineData("""{ "type": "LoRA", "roles": ["conv"], "rank": 4 }""", 4 * ((3 * 256) + 768))]
    [InlineData("""{ "type": "DoRA", "rank": 8 }""", 294_912 + (12 * 2 * 768))]
    [InlineData("""{ "type": "IA3" }""", 12 * ((768 * 2) + 3072))]
    [InlineData("""{ "type": "Adapter", "bottleneck": 8 }""", 156_768)]
    [InlineData("""{ "type": "Adapter", "bottleneck": 8, "placement": "houlsby" }""", 2 * 156_768)]
    [InlineData("""{ "type": "AdaptFormer", "bottleneck": 64 }""", 1_189_632)]
    [InlineData("""{ "type": "VPT", "tokens": 10 }""", 7_680)]
    [InlineData("""{ "type": "VPT", "tokens": 10, "deep": true }""", 92_160)]
    [InlineData("""{ "type": "BitFit" }""", 102_912)]
    [InlineData("""{ "type": "NormTuning" }""", 38_400)]
    [InlineData("""{ "type": "SSF" }""", 2 * 102_912)] // a scale and a shift for each bias
    public void VisionTransformer_Base_HasThePublishedCount(string method, long expected)
    {
        // One block is like the next: two small networks tell the size of the large one.
        var (one, two) = (Count(1), Count(2));
        Assert.Equal(expected, one + (11 * (two - one)));

        long Count(int depth)
        {
            using var model = Build.From<Tessera.Framework.Models.VisionModel>(
                $$"""
                { "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "arch": "base", "depth": {{depth}} },
                  "head": { "type": "LinearHead" }, "peft": { "m": {{method}} } }
                """,
                Build.Classes(5)
            );
            Tessera.Framework.Models.Peft.Adaptation.Attach(model);
            // The head is trained beside what is counted, whatever the method.
            Assert.All(
                model.named_parameters().Where(p => p.name.StartsWith("head.", StringComparison.Ordinal)),
                p => Assert.True(p.parameter.requires_grad)
            );
            return PeftModels.Count(model);
        }
    }
}
