using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Heads;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>What every registered loss and head promises.</summary>
public sealed class LossContractTests
{
    [Theory]
    [MemberData(nameof(ContractConfigs.Losses), MemberType = typeof(ContractConfigs))]
    public void Loss_RandomLogits_IsFiniteScalarWithGradientAndObeysWeight(string config)
    {
        var loss = Build.From<Loss>(config);
        var twice = Build.From<Loss>(config[..^1] + """, "weight": 2, "warmup_iters": 10, "ramp_iters": 10 }""");
        foreach (var targets in TargetsFor(loss))
        {
            using var scope = NewDisposeScope();
            long[] shape = targets.Labels is { } labels && labels.dim() == 3 ? [2, 4, 12, 13] : [6, 4];
            var logits = Formula
                .Values("logits.weight", shape.Aggregate((a, b) => a * b), 1)
                .mul(5)
                .reshape(shape)
                .detach()
                .requires_grad_();
            var value = loss.Compute(logits, targets, default);
            Assert.Empty(value.shape);
            Assert.True(
                double.IsFinite(value.item<float>())
                    && (
                        value.item<float>() > 0
                        || config.Contains("BoundaryLoss", StringComparison.Ordinal)
                        || config.Contains("RmiLoss", StringComparison.Ordinal)
                    )
            );
            value.backward();
            Assert.True(logits.grad!.isfinite().all().item<bool>() && logits.grad.abs().sum().item<float>() > 0);

            float At(long iteration) => twice.Compute(logits, targets, new Progress(iteration, 100, 0, 1)).item<float>();
            Assert.Equal(0, At(0));
            Assert.Equal(0, At(9));
            Assert.Equal(value.item<float>(), At(15), 1e-5f * Math.Abs(value.item<float>()) + 1e-7f); // half of twice
            Assert.Equal(2 * value.item<float>(), At(20), 1e-5f * Math.Abs(value.item<float>()) + 1e-7f);
            var silent = twice.Compute(logits, targets, default);
            logits.grad.zero_();
            silent.backward();
            Assert.Equal(0, logits.grad.abs().sum().item<float>());
        }
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.EmbeddingLosses), MemberType = typeof(ContractConfigs))]
    public void Loss_OfEmbeddings_IsFiniteScalarWithGradientAndObeysWeight(string config)
    {
        using var scope = NewDisposeScope();
        var loss = Build.From<Loss>(config, Build.Classes(4));
        var twice = Build.From<Loss>(config[..^1] + """, "weight": 2, "warmup_iters": 10, "ramp_iters": 10 }""", Build.Classes(4));
        foreach (var term in new[] { loss, twice })
            term.ExpectEmbeddings(8);
        twice.eval(); // so that it remembers nothing between the calls
        var embeddings = nn.functional.normalize(Formula.Values("embeddings", 2, 8, 4, 5)).detach().requires_grad_();
        var logits = Formula.Values("logits.weight", 2, 4, 8, 10);
        var targets = new LossTargets(logits.roll(1, 1).argmax(1), Embeddings: embeddings);
        var value = loss.Compute(logits, targets, default);
        Assert.Empty(value.shape);
        Assert.True(double.IsFinite(value.item<float>()) && value.item<float>() > 0);
        value.backward();
        Assert.True(embeddings.grad!.isfinite().all().item<bool>() && embeddings.grad.abs().sum().item<float>() > 0);

        float At(long iteration) => twice.Compute(logits, targets, new Progress(iteration, 100, 0, 1)).item<float>();
        Assert.Equal(0, At(9));
        Assert.Equal(value.item<float>(), At(15), 1e-5f * value.item<float>()); // half of twice
        Assert.Equal(2 * value.item<float>(), At(20), 1e-5f * value.item<float>());
        var silent = twice.Compute(logits, targets, default);
        embeddings.grad.zero_();
        silent.backward();
        Assert.Equal(0, embeddings.grad.abs().sum().item<float>());
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Heads), MemberType = typeof(ContractConfigs))]
    public void Head_MapOrVector_GivesFiniteOutputAndGradients(string config)
    {
        var isRegression = config.Contains("RegressionHead", StringComparison.Ordinal);
        foreach (
            var (backbone, maps) in new (string, long[])[]
            {
                ("""{ "type": "CifarResNet", "depth": 8 }""", [2, 64, 5, 7]),
                ("""{ "type": "VisionTransformer", "embed_dim": 64, "num_heads": 2, "depth": 1 }""", [2, 64]),
            }
        )
        {
            using var source = Build.From<Backbone>(backbone);
            using var head = Build.From<Head>(
                config,
                source,
                Build.Classes(3, isRegression ? DataTask.Regression : DataTask.Classification)
            );
            using var scope = NewDisposeScope();
            var output = head.call([Formula.Values("images", maps)]);
            Assert.Equal([2, 3], output.shape);
            Assert.True(output.isfinite().all().item<bool>());
            output.square().sum().backward();
            Assert.All(head.parameters(), parameter => Assert.True(parameter.grad!.abs().sum().item<float>() > 0));
        }
    }

    private static IEnumerable<LossTargets> TargetsFor(Loss loss)
    {
        if (loss.GetName() is "MseLoss" or "L1Loss" or "HuberLoss" or "SmoothL1Loss")
            return [new LossTargets(Values: Formula.Values("targets", 24).reshape(6, 4))];
        var hard = new LossTargets(tensor(new long[] { 0, 1, 2, 3, 3, 0 }));
        if (loss.GetName() is "OhemCrossEntropyLoss" or "LovaszLoss" or "DiceLoss" or "TverskyLoss")
            return [hard, Maps()];
        if (loss.GetName() is "BoundaryLoss" or "RmiLoss")
            return [Maps()];
        return [hard, new LossTargets(SoftLabels: nn.functional.one_hot(hard.Labels!, 4).to(ScalarType.Float32).mul(0.7).add(0.075))];
    }

    private static LossTargets Maps()
    {
        var labels = arange(2 * 12 * 13, dtype: ScalarType.Int64).div(5, RoundingMode.floor).remainder(4).reshape(2, 12, 13);
        return new LossTargets(
            labels
                .where(labels.gt(0), full_like(labels, 255))
                .where(Formula.Values("labels", 2 * 12 * 13).reshape(2, 12, 13).gt(-0.1), labels)
        );
    }
}
