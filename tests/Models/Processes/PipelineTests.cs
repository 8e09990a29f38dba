using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Processes;

/// <summary>A model in stages is trained as the whole one.</summary>
[Collection(ProcessWide.Name)]
public sealed class PipelineTests
{
    private const string Vit =
        """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 4, "num_heads": 2, "image_size": 32, "patch_size": 8 }""";

    private const string ResNet = """{ "type": "ResNet", "depth": 18, "base_channels": 8 }""";

    private const string Bottlenecks =
        """{ "type": "ResNet", "depth": 50, "base_channels": 8, "stage_blocks": [1, 2, 2, 1], "stem": "deep", "avg_down": true, "norm_eval": true }""";

    // Batch norms keep to their running statistics; otherwise each would see a micro-batch.
    [Theory]
    [InlineData(Vit, 2, 4, "3")]
    [InlineData(Vit, 3, 2, "1, 4")]
    [InlineData(Vit, 2, 1, "6")] // the head alone
    [InlineData(Vit, 2, 8, null)]
    [InlineData(ResNet, 2, 4, "5")]
    [InlineData(ResNet, 3, 2, null)]
    [InlineData(Bottlenecks, 2, 2, "2")]
    public void Run_InStages_EqualsTheWholeStep(string backbone, int stages, int microBatches, string? cuts)
    {
        var (alone, aloneLosses) = Train(backbone, new SingleProcess(), null);
        int[]? given = cuts is null ? null : [.. cuts.Split(',').Select(cut => int.Parse(cut, null))];
        var options = new PipelineOptions(stages, microBatches, given);
        var trained = ThreadGroup.Run(stages, group => Train(backbone, group, options));

        var initial = Initial(backbone);
        foreach (var (_, losses) in trained)
            Assert.All(aloneLosses.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        using var model = Make(backbone);
        var chain = ((IChainedModel)model).Chain(32, 32);
        foreach (var (name, expected) in alone)
        {
            // One stage has trained it, and none of the others.
            var changed = Enumerable.Range(0, stages).Where(stage => !trained[stage].Weights[name].SequenceEqual(initial[name])).ToArray();
            Assert.True(changed.Length == 1, $"{name} was changed by {changed.Length} stages");
            if (given is not null)
            {
                var step = chain.Index().Single(entry => entry.Item.Holds(name)).Index;
                Assert.Equal(given.Count(cut => cut <= step), changed[0]);
            }
            var difference = expected.Zip(trained[changed[0]].Weights[name], (a, b) => Math.Abs(a - b)).Max();
            Assert.True(difference < 1e-6, $"{name} differs by {difference}");
        }
    }

    [Fact]
    public void Run_MicroBatchesThatDontDivideTheBatch_SaysSo()
    {
        var errors = ThreadGroup.Run(
            2,
            group => Assert.Throws<UserErrorException>(() => Train(Vit, group, new PipelineOptions(2, 3, [2]))).Message
        );
        Assert.All(errors, error => Assert.Contains("3 micro-batches don't divide a batch of 8 images", error, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(3, "2", "3 stages take 3 processes, and this run has 2")]
    [InlineData(2, "2, 3", "2 stages need 1 cuts; there are 2")]
    [InlineData(2, "7", "must rise from 1 to at most 6")]
    [InlineData(2, "0", "must rise from 1 to at most 6")]
    public void Cut_WhatDoesNotFit_SaysSo(int stages, string cuts, string message)
    {
        var options = new PipelineOptions(stages, 2, [.. cuts.Split(',').Select(cut => int.Parse(cut, null))]);
        var errors = ThreadGroup.Run(2, group => Assert.Throws<UserErrorException>(() => Train(Vit, group, options)).Message);
        Assert.All(errors, error => Assert.Contains(message, error, StringComparison.Ordinal));
    }

    [Fact]
    public void Cut_StageWithNothingToTrain_SaysSo()
    {
        var step = new StepOptions(Freeze: ["backbone"]);
        var errors = ThreadGroup.Run(
            2,
            group =>
            {
                try
                {
                    Train(Vit, group, new PipelineOptions(2, 2, [6]), step, steps: 0);
                    return "";
                }
                catch (UserErrorException error)
                {
                    return error.Message;
                }
            }
        );
        Assert.Contains("a stage has nothing to train", errors[0], StringComparison.Ordinal);
        Assert.Equal("", errors[1]); // it has the head
    }

    private static VisionModel Make(string backbone) =>
        Formula.Fill(
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
                Build.Classes(3)
            )
        );

    private static Dictionary<string, float[]> Initial(string backbone)
    {
        using var model = Make(backbone);
        return Values(model);
    }

    private static Dictionary<string, float[]> Values(VisionModel model) =>
        model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.detach().reshape(-1).data<float>().ToArray());

    private static (Dictionary<string, float[]> Weights, List<float> Losses) Train(
        string backbone,
        IProcessGroup group,
        PipelineOptions? pipeline,
        StepOptions? options = null,
        int steps = 3
    )
    {
        var info = Build.Classes(3);
        using var model = Make(backbone);
        using var step = new TrainStep(
            new StepParts
            {
                Model = model,
                Optimizers = new Dictionary<string, OptimizerFactory>
                {
                    [OptimizerSet.OnlyName] = new Sgd(new SgdOptions(0.01, Momentum: 0.9)),
                },
                Step =
                    options
                    ?? new StepOptions(
                        ClipGrad: new ClipGradOptions(0.5),
                        NormEval: backbone.Contains("ResNet", StringComparison.Ordinal) ? ["*"] : null
                    ),
                Group = group,
                Pipeline = pipeline is null ? null : new PipelineParts(pipeline, () => Build.Batch(8, 32, info)),
            }
        );
        step.TrainMode();
        var losses = new List<float>();
        for (var i = 0; i < steps; i++)
        {
            using var batch = Build.Batch(8, 32, info);
            using var scope = NewDisposeScope();
            batch.Images.mul_(1 + (0.1 * i));
            step.Prepare(batch);
            losses.Add(step.Run(batch, new Progress(i, steps, 0, 1)).Total().item<float>());
        }
        return (Values(model), losses);
    }
}
