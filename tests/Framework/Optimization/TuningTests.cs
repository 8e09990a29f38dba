using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Loops;
using Tessera.Tests.Framework.Running;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Optimization;

[Collection(ProcessWide.Name)]
public sealed class TuningTests
{
    private const string Head = "head.weight head.bias";

    /// <summary>Names by hand, from the model's few lines.</summary>
    [Theory]
    [InlineData(TunePreset.LinearProbe, null, Head)]
    [InlineData(
        TunePreset.Attention,
        null,
        "backbone.block1.attn.qkv.weight backbone.block1.attn.qkv.bias backbone.block2.attn.qkv.weight backbone.block2.attn.qkv.bias "
            + Head
    )]
    [InlineData(TunePreset.LastAttention, null, "backbone.block2.attn.qkv.weight backbone.block2.attn.qkv.bias " + Head)]
    [InlineData(
        TunePreset.Norms,
        null,
        "backbone.block1.bn.weight backbone.block1.bn.bias backbone.block2.bn.weight backbone.block2.bn.bias backbone.norm.weight "
            + "backbone.norm.bias "
            + Head
    )]
    [InlineData(
        TunePreset.Partial,
        "block2.mlp",
        "backbone.block2.mlp.weight backbone.block2.mlp.bias backbone.norm.weight backbone.norm.bias " + Head
    )]
    [InlineData(TunePreset.Partial, "backbone.norm", "backbone.norm.weight backbone.norm.bias " + Head)]
    public void Preset_TrainsItsParts(TunePreset preset, string? from, string trained)
    {
        using var model = new TunedModel();
        var all = model.Trained.Length;
        var tuning = new Tuning(model, new TuneOptions(preset, from), []);
        Assert.Equal(trained.Split(' ').Order(), model.Trained.Order());
        Assert.Equal(all, model.Trained.Length + tuning.Frozen.Count);
    }

    [Fact]
    public void Preset_WithFreeze_FreezesBoth()
    {
        using var model = new TunedModel();
        _ = new Tuning(model, new TuneOptions(TunePreset.Attention), ["block1", "head.bias"]);
        Assert.Equal(["backbone.block2.attn.qkv.bias", "backbone.block2.attn.qkv.weight", "head.weight"], model.Trained.Order());
    }

    [Theory]
    [InlineData("blok2", "Did you mean \"block2\"?")]
    [InlineData("head", "lies outside the backbone")]
    [InlineData("block2.drop", "no module \"block2.drop\" with parameters")]
    public void Partial_FromWhatIsNotThere_SaysWhatIs(string from, string part)
    {
        using var model = new TunedModel();
        var error = Assert.Throws<UserErrorException>(() => new Tuning(model, new TuneOptions(TunePreset.Partial, from), []));
        Assert.StartsWith("train.tune_from: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Preset_OfAModelWithoutABackbone_IsAMistake()
    {
        using var model = new TinyModel();
        var error = Assert.Throws<UserErrorException>(() => new Tuning(model, new TuneOptions(TunePreset.Norms), []));
        Assert.Contains("TinyModel has no backbone", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LinearProbe_KeepsWeightsStatisticsAndDropoutOfTheBackbone()
    {
        using var model = new TunedModel(dropout: 0.5);
        var before = model.Values();
        using (var trainer = TrainerTests.Make(model, loop: TrainerTests.Epochs(1), step: new StepOptions(Tune: TunePreset.LinearProbe)))
            trainer.Run();
        foreach (var (name, values) in model.Values())
            Assert.Equal(!name.StartsWith("head", StringComparison.Ordinal), values.SequenceEqual(before[name]));
        Assert.All(model.Backbone.modules(), module => Assert.False(module.training));
        Assert.True(model.training);
    }

    [Fact]
    public void Partial_LetsTheStatisticsOfWhatComesBeforeRest()
    {
        using var model = new TunedModel();
        var before = model.Values();
        var options = new StepOptions(Tune: TunePreset.Partial, TuneFrom: "block2");
        using (var trainer = TrainerTests.Make(model, loop: TrainerTests.Epochs(1), step: options))
            trainer.Run();
        var changed = model.Values().Where(entry => !entry.Value.SequenceEqual(before[entry.Key])).Select(entry => entry.Key).ToArray();
        Assert.Contains("backbone.block2.bn.running_mean", changed);
        Assert.DoesNotContain(changed, name => name.StartsWith("backbone.block1", StringComparison.Ordinal));
        Assert.DoesNotContain("backbone.stem.weight", changed);
    }

    /// <summary>Rates of the layers: decay to the power of the distance from the head, whichever of them are trained. The blocks are 1 and 2
    /// away (the norm counts with the head), the stem 3.</summary>
    [Fact]
    public void LayerDecay_WithAPreset_KeepsEachLayersRate()
    {
        const string adamW = """{ "type": "AdamW", "lr": 1, "layer_decay": 0.5 }""";
        using var model = new TunedModel();
        _ = new Tuning(model, new TuneOptions(TunePreset.Attention), []);
        var rates = Rates(model);
        Assert.Equal(0.25, rates["backbone.block1.attn.qkv.weight"]);
        Assert.Equal(0.5, rates["backbone.block2.attn.qkv.weight"]);
        Assert.Equal(1, rates["head.weight"]);
        Assert.Equal(6, rates.Count);

        using var all = new TunedModel();
        _ = new Tuning(all, new TuneOptions(TunePreset.LpFt, HeadFor: 1), []);
        Assert.Equal(0.125, Rates(all)["backbone.stem.weight"]); // of both phases, so that the second one's are known

        static Dictionary<string, double> Rates(TunedModel model) =>
            ParameterGroups
                .Split(model, TestComponents.Build<OptimizerFactory>(adamW))
                .SelectMany(group => group.Names.Select(name => (name, group.LrMult)))
                .ToDictionary(entry => entry.name, entry => entry.LrMult);
    }

    [Theory]
    [InlineData(LoopKind.Epochs, 1, 5)]
    [InlineData(LoopKind.Iterations, 3, 3)]
    public void LpFt_TrainsTheHeadThenEverythingAtItsRate(LoopKind counts, int headFor, int steps)
    {
        using var model = new TunedModel();
        var before = model.Values();
        var rates = new List<double>();
        var moved = new List<bool>();
        var hook = new Watch(state =>
        {
            rates.Add(state.Optimizers.Single.Optimizer.ParamGroups.First().LearningRate);
            moved.Add(!model.Values()["backbone.stem.weight"].SequenceEqual(before["backbone.stem.weight"]));
        });
        using (
            var trainer = TrainerTests.Make(
                model,
                loop: TrainerTests.Counting(counts, counts == LoopKind.Epochs ? 2 : 10),
                step: new StepOptions(Tune: TunePreset.LpFt, TuneHeadFor: headFor, TuneRate: 0.2),
                hooks: new() { ["watch"] = hook },
                optimizers: new()
                {
                    ["optimizer"] = TestComponents.Build<OptimizerFactory>("""{ "type": "Sgd", "lr": 0.5, "weight_decay": 0.1 }"""),
                }
            )
        )
            trainer.Run();
        Assert.Equal(10, rates.Count); // 40 samples by 8
        Assert.Equal(Enumerable.Range(0, 10).Select(i => i < steps ? 0.5 : 0.1), rates.Select(rate => Math.Round(rate, 9)));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => i >= steps), moved);
    }

    /// <summary>Killed in the first phase, at the change, and in the second: the rest is the same bit for bit.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(7)]
    public void LpFt_Resumed_GoesOnBitForBit(int kill)
    {
        using var whole = new TunedModel(0.3);
        using (var trainer = Make(whole))
            trainer.Run();

        using var first = new TunedModel(0.3);
        StateWriter? captured = null;
        Dictionary<string, Tensor> tensors = [];
        using (
            var trainer = Make(
                first,
                new Watch(state =>
                {
                    if (state.Progress.Iteration != kill)
                        return;
                    captured = state.Capture();
                    tensors = captured.Tensors.ToDictionary(entry => entry.Key, entry => entry.Value.clone().DetachFromDisposeScope());
                    state.Stop("killed");
                })
            )
        )
            trainer.Run();

        using var second = new TunedModel(0.3, seed: 99);
        using (var trainer = Make(second))
        {
            trainer.Resume(new StateReader(tensors, captured!.Values));
            trainer.Run();
        }
        Assert.Equal(whole.Losses[kill..], second.Losses);
        var expected = whole.Values();
        foreach (var (name, values) in second.Values())
            Assert.Equal(expected[name], values);
        foreach (var tensor in tensors.Values)
            tensor.Dispose();

        static Trainer Make(TunedModel model, Watch? watch = null) =>
            TrainerTests.Make(
                model,
                loop: TrainerTests.Epochs(2),
                step: new StepOptions(Tune: TunePreset.LpFt, TuneHeadFor: 1),
                hooks: watch is null ? [] : new() { ["watch"] = watch },
                optimizers: new() { ["optimizer"] = TestComponents.Build<OptimizerFactory>("""{ "type": "AdamW", "lr": 0.05 }""") }
            );
    }

    [Fact]
    public void OptimizerWhoseParametersAllWait_DoesNothing()
    {
        using var model = new TunedModel();
        var before = model.Values();
        var tuning = new Tuning(model, new TuneOptions(TunePreset.LpFt, HeadFor: 1), []);
        using var optimizers = new RunOptimizers(
            new Dictionary<string, OptimizerFactory>
            {
                ["body"] = TestComponents.Build<OptimizerFactory>("""{ "type": "Sgd", "lr": 1, "parameters": ["backbone"] }"""),
                ["head"] = TestComponents.Build<OptimizerFactory>("""{ "type": "Sgd", "lr": 1, "parameters": ["head"] }"""),
            },
            model,
            new StepContext
            {
                Group = new SingleProcess(),
                Precision = PrecisionChoice.Full,
                SeveralOptimizers = true,
            }
        );
        using var batch = TrainerTests.Loader(8).Epoch(0).First();
        Step(new Progress(0, 10, 0, 2));
        Assert.Equal(before["backbone.stem.weight"], model.Values()["backbone.stem.weight"]);
        Assert.NotEqual(before["head.weight"], model.Values()["head.weight"]);
        Step(new Progress(5, 10, 1, 2));
        Assert.NotEqual(before["backbone.stem.weight"], model.Values()["backbone.stem.weight"]);

        void Step(Progress progress)
        {
            using var scope = NewDisposeScope();
            Assert.True(tuning.Enter(progress));
            Assert.False(tuning.Enter(progress));
            var loss = model.Loss(batch, progress).Total();
            optimizers["body"].Step(loss, retainGraph: true);
            optimizers["head"].Step(loss);
        }
    }

    private sealed class Watch(Action<Tessera.Framework.Hooks.RunState> see) : Tessera.Framework.Hooks.Hook
    {
        public override void AfterIteration(Tessera.Framework.Hooks.RunState run, Batch batch, LossMap losses) => see(run);
    }
}
