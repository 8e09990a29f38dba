using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>Blocks that are computed twice: losses, gradients, statistics and random numbers of three steps are bit for bit those
/// without.</summary>
[Collection(ProcessWide.Name)]
public sealed class ActivationCheckpointTests
{
    private const string Vit =
        "\"type\": \"VisionTransformer\", \"image_size\": 16, \"patch_size\": 4, \"embed_dim\": 12, \"depth\": 3, \"num_heads\": 2, \"dropout\": 0.2, "
        + "\"attention_dropout\": 0.2, \"drop_path\": 0.4";

    public static TheoryData<string, int> Backbones =>
        new()
        {
            { "\"type\": \"ResNet\", \"depth\": 18, \"stage_blocks\": [2, 1, 1, 1], \"stem\": \"small\", \"base_channels\": 4", 5 },
            { "\"type\": \"ResNet\", \"depth\": 50, \"stage_blocks\": [1, 1, 1, 1], \"base_channels\": 4, \"frozen_stages\": 1", 4 },
            { "\"type\": \"Res2Net\", \"depth\": 50, \"stage_blocks\": [1, 1, 1, 1], \"base_channels\": 16", 4 },
            { Vit, 3 },
            {
                "\"type\": \"SwinTransformer\", \"embed_dim\": 8, \"depths\": [2, 2], \"num_heads\": [2, 2], \"window_size\": 4, \"drop_path\": 0.4",
                4
            },
            {
                "\"type\": \"SwinTransformerV2\", \"image_size\": 32, \"embed_dim\": 8, \"depths\": [2, 2], \"num_heads\": [2, 2], \"window_size\": 4, \"drop_path\": 0.4",
                4
            },
            { "\"type\": \"ConvNeXt\", \"depths\": [1, 2, 1, 1], \"channels\": [4, 6, 8, 10], \"drop_path_rate\": 0.4", 5 },
        };

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Steps_AreThoseWithoutIt(string backbone, int blocks)
    {
        var plain = Train(backbone, "", null, null);
        Compare(plain, Train(backbone, "", blocks, null));
    }

    [Theory]
    [InlineData("\"type\": \"ResNet\", \"depth\": 18, \"stage_blocks\": [1, 1, 1, 1], \"stem\": \"small\", \"base_channels\": 4")]
    [InlineData(Vit)]
    public void Steps_InBfloat16_AreThoseWithoutIt(string backbone) =>
        Compare(Train(backbone, "", null, ScalarType.BFloat16), Train(backbone, "", backbone == Vit ? 3 : 4, ScalarType.BFloat16));

    /// <summary>LoRA's weights stand beside the blocks, whose own are frozen.</summary>
    [Fact]
    public void Steps_WithLora_AreThoseWithoutIt()
    {
        const string peft = ", \"peft\": { \"lora\": { \"type\": \"LoRA\", \"rank\": 2 } }";
        Compare(Train(Vit, peft, null, null), Train(Vit, peft, 3, null));
    }

    /// <summary>What is taken out of a block is to have its gradient: the block runs once.</summary>
    [Fact]
    public void Block_ThatIsTapped_IsNotComputedTwice()
    {
        using var scope = NewDisposeScope();
        var data = Build.Classes(3);
        using var model = Make(Vit, "", data);
        Assert.Equal(3, ActivationCheckpoints.Enable(model));
        using var tap = model.Tap("backbone.blocks.1.mlp");
        using var batch = Build.Batch(4, 16, data);
        model.Loss(batch, default).Total();
        Assert.True(tap.Value.requires_grad);
    }

    [Fact]
    public void Enable_ModelWithoutSuchBlocks_CountsNone()
    {
        using var model = Make("\"type\": \"UNet\"", "", Build.Classes(3));
        Assert.Equal(0, ActivationCheckpoints.Enable(model));
    }

    private static VisionModel Make(string backbone, string more, DataInfo data) =>
        Build.From<VisionModel>(
            $$"""{ "type": "ImageClassifier", "backbone": { {{backbone}} }, "head": { "type": "LinearHead", "dropout": 0.3 }{{more}} }""",
            data
        );

    private static void Compare(List<(string Name, float[] Values)> plain, List<(string Name, float[] Values)> twice)
    {
        Assert.Equal(plain.Select(entry => entry.Name), twice.Select(entry => entry.Name));
        foreach (var ((name, expected), (_, actual)) in plain.Zip(twice))
            Assert.True(expected.AsSpan().SequenceEqual(actual), name);
    }

    private static List<(string Name, float[] Values)> Train(string backbone, string more, int? blocks, ScalarType? autocast)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var data = Build.Classes(3);
        using var model = Make(backbone, more, data);
        Adaptation.Attach(model);
        using (no_grad())
            foreach (var (name, parameter) in model.named_parameters())
                if (parameter.abs().max().item<float>() == 0) // branches that begin as nothing
                    parameter.add_(0.05);
        if (blocks is { } expected)
            Assert.Equal(expected, ActivationCheckpoints.Enable(model));
        model.train();
        var runs = 0;
        foreach (var (_, block) in model.Having<IRecomputable>())
        {
            // A convolution over a small map in bfloat16 is no call of its module; the norm behind it is.
            nn.Module[] layers = [.. ((nn.Module)block).modules()];
            var inside = layers.FirstOrDefault(layer => layer is BatchNorm2d) ?? layers.First(layer => layer is Conv2d or Linear);
            Assert.NotNull(ModuleHooks.Before(inside, (_, _) => runs++));
        }
        using var batch = Build.Batch(4, backbone.Contains("image_size\": 16,", StringComparison.Ordinal) ? 16 : 32, data);
        List<(string, float[])> seen = [];
        for (var step = 0; step < 2; step++)
        {
            Tensor loss;
            using (autocast is { } type ? Autocast.Enter(DeviceType.CPU, type) : Autocast.Unchanged)
                loss = model.Loss(batch, default).Total();
            loss.backward();
            seen.Add(($"loss {step}", Values(loss)));
        }
        var frozen = backbone.Contains("\"frozen_stages\": 1", StringComparison.Ordinal) ? 1 : 0; // a stage of one block
        if (blocks is not null) // two steps, in each forward and backward; frozen blocks run forward alone
            Assert.Equal(2 * ((2 * blocks) - frozen), runs);
        seen.Add(("the generator", Values(rand(2))));
        foreach (var (name, parameter) in model.named_parameters())
            if (parameter.requires_grad)
                seen.Add(($"the gradient of {name}", parameter.grad is { } gradient ? Values(gradient) : []));
        foreach (var (name, buffer) in model.named_buffers())
            seen.Add((name, Values(buffer)));
        return seen;

        static float[] Values(Tensor tensor) => tensor.detach().to(ScalarType.Float32).reshape(-1).data<float>().ToArray();
    }
}
