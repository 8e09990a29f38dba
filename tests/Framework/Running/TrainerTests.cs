using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Loops;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

[Collection(ProcessWide.Name)]
public sealed class TrainerTests
{
    private static readonly Dictionary<string, OptimizerFactory> s_sgd = new()
    {
        ["optimizer"] = new Sgd(new SgdOptions(0.1, Momentum: 0.9)),
    };

    [Fact]
    public void Run_Epochs_MakesEveryStepAndLearns()
    {
        using var model = new TinyModel();
        using var trainer = Make(model, epochs: 6);
        trainer.Run();
        Assert.Equal(6 * 5, trainer.Progress.Iteration);
        Assert.Equal(6, trainer.EpochsDone);
        Assert.True(model.Losses[^5..].Average() < 0.6 * model.Losses[..5].Average());
    }

    [Fact]
    public void Run_Iterations_EndsInTheMiddleOfAnEpoch()
    {
        using var model = new TinyModel();
        using var trainer = Make(model, loop: Iterations(12));
        trainer.Run();
        Assert.Equal(12, trainer.Progress.Iteration);
        Assert.Equal(2, trainer.EpochsDone);
    }

    [Fact]
    public void Accumulate_TwoHalves_AreOneWhole()
    {
        // 40 samples: 5 batches of 8, or 10 of 4 taken two at a time. Without a norm the mean gradients are the same.
        using var whole = new TinyModel(norm: false);
        using var halves = new TinyModel(norm: false);
        using (var trainer = Make(whole, epochs: 3))
            trainer.Run();
        using (var trainer = Make(halves, batchSize: 4, loop: Epochs(3), step: new StepOptions(Accumulate: 2)))
        {
            trainer.Run();
            Assert.Equal(15, trainer.Progress.Iteration);
        }
        Assert.Equal(0, MaxDifference(whole.Weights(), halves.Weights()), 1e-5);
    }

    [Fact]
    public void Accumulate_LastStepOfAnEpoch_AveragesWhatThereIs()
    {
        // 40 samples in 5 batches of 8, 3 per step: steps of 3 and of 2 batches.
        using var grouped = new TinyModel(norm: false);
        using var trainer = Make(grouped, loop: Epochs(1), step: new StepOptions(Accumulate: 3), shuffle: false);
        trainer.Run();
        Assert.Equal(2, trainer.Progress.Iteration);

        using var byHand = new TinyModel(norm: false);
        using var sgd = optim.SGD(byHand.parameters(), 0.1, momentum: 0.9);
        var batches = Loader(8, shuffle: false).Epoch(0).ToArray();
        foreach (var group in new[] { batches[..3], batches[3..] })
        {
            sgd.zero_grad();
            foreach (var batch in group)
                (byHand.Loss(batch, default).Total() / group.Length).backward();
            sgd.step();
        }
        Assert.Equal(0, MaxDifference(byHand.Weights(), grouped.Weights()), 1e-6);
    }

    [Theory]
    [InlineData(0.05, null)]
    [InlineData(null, 0.01)]
    public void ClipGrad_LimitsTheStep(double? norm, double? value)
    {
        using var model = new TinyModel();
        var before = model.parameters().SelectMany(p => p.detach().reshape(-1).data<float>().ToArray()).ToArray();
        using var trainer = Make(
            model,
            loop: Iterations(1),
            step: new StepOptions(ClipGrad: new ClipGradOptions(norm, value)),
            optimizers: new() { ["optimizer"] = new Sgd(new SgdOptions(1.0)) }
        );
        trainer.Run();
        var step = model
            .parameters()
            .SelectMany(p => p.detach().reshape(-1).data<float>().ToArray())
            .Zip(before, (a, b) => a - b)
            .ToArray();
        // At a rate of 1 the step is the clipped gradient itself.
        if (norm is { } limit)
            Assert.Equal(limit, Math.Sqrt(step.Sum(s => (double)s * s)), 1e-4);
        else
            Assert.Equal(value!.Value, step.Max(Math.Abs), 1e-6);
    }

    [Fact]
    public void Freeze_KeepsWeightsAndStatistics()
    {
        using var model = new TinyModel();
        var before = Copy(model);
        using var trainer = Make(model, loop: Epochs(1), step: new StepOptions(Freeze: ["fc1", "bn"]));
        trainer.Run();
        foreach (var (name, tensor) in model.state_dict())
        {
            if (!tensor.is_floating_point())
                continue;
            var same = tensor.detach().reshape(-1).data<float>().ToArray().SequenceEqual(before[name]);
            Assert.Equal(!name.StartsWith("fc2", StringComparison.Ordinal), same);
        }
    }

    [Fact]
    public void NormEval_KeepsStatisticsAndTrainsWeights()
    {
        using var model = new TinyModel();
        var before = Copy(model);
        using var trainer = Make(model, loop: Epochs(1), step: new StepOptions(NormEval: ["bn"]));
        trainer.Run();
        foreach (var (name, tensor) in model.state_dict())
        {
            if (!tensor.is_floating_point())
                continue;
            var same = tensor.detach().reshape(-1).data<float>().ToArray().SequenceEqual(before[name]);
            Assert.Equal(name.Contains("running", StringComparison.Ordinal), same);
        }
        using var other = new TinyModel();
        Assert.Contains(
            "train.norm_eval: no norm's name matches \"backbone\". The first is called bn.",
            Assert.Throws<UserErrorException>(() => Make(other, loop: Epochs(1), step: new StepOptions(NormEval: ["backbone"]))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Penalty_IsAddedToTheLossAndItsGradient()
    {
        using var model = new TinyModel(norm: false);
        using var trainer = Make(
            model,
            loop: Iterations(1),
            shuffle: false,
            penalties: new() { ["sparse"] = new L1Penalty(new L1PenaltyOptions(0.25)) { Parameters = ["fc2.weight"] } }
        );
        using var byHand = new TinyModel(norm: false);
        using var sgd = optim.SGD(byHand.parameters(), 0.1, momentum: 0.9);
        var batch = Loader(8, shuffle: false).Epoch(0).First();
        var weight = byHand.named_parameters().Single(p => p.name == "fc2.weight").parameter;
        (byHand.Loss(batch, default).Total() + 0.25 * weight.abs().sum()).backward();
        var penalty = 0.25 * weight.abs().sum().item<float>();
        sgd.step();

        trainer.Run();
        Assert.Equal(0, MaxDifference(byHand.Weights(), model.Weights()), 1e-6);
        Assert.Equal(penalty, trainer.State.TakeLog()["sparse"], 1e-5);
    }

    [Fact]
    public void TrainStep_OverriddenWithTwoOptimizers_StepsEachOnItsOwnParameters()
    {
        using var model = new TwoPlayers();
        using var trainer = Make(
            model,
            loop: Iterations(1),
            optimizers: new()
            {
                ["first"] = new Sgd(new SgdOptions(1)) { Parameters = ["first"] },
                ["second"] = new Sgd(new SgdOptions(1)) { Parameters = ["second"] },
            }
        );
        trainer.Run();
        // first: loss a + b, of which only a is its own: 1 - 1. second: loss 3 b: 1 - 3, the 1 from the first loss left out.
        Assert.Equal(0f, model.First, 1e-6f);
        Assert.Equal(-2f, model.Second, 1e-6f);
    }

    [Theory]
    [InlineData(LoopKind.Epochs, 2, new long[] { 10, 15 })]
    [InlineData(LoopKind.Iterations, 6, new long[] { 6, 12, 15 })]
    public void Evaluation_ComesWhenDueAndAtTheEnd(LoopKind loop, int every, long[] expected)
    {
        using var model = new TinyModel();
        var seen = new List<long>();
        using var trainer = Make(
            model,
            loop: Counting(loop, loop == LoopKind.Epochs ? 3 : 15, every),
            hooks: new() { ["spy"] = new Spy { Evaluated = run => seen.Add(run.Progress.Iteration) } },
            evaluate: true
        );
        trainer.Run();
        Assert.Equal(expected, seen);
        Assert.InRange(trainer.Metrics["accuracy/top1"], 0.5, 1);
        Assert.True(model.training);
    }

    [Fact]
    public void Hooks_RunByOrderThenKey()
    {
        using var model = new TinyModel();
        using var trainer = Make(
            model,
            epochs: 1,
            hooks: new()
            {
                ["z"] = new Spy { At = 100 },
                ["b"] = new Spy { At = 500 },
                ["a"] = new Spy { At = 500 },
                ["last"] = new Spy { At = 900 },
            }
        );
        Assert.Equal(["z", "a", "b", "evaluation", "last"], trainer.OrderedHooks.Select(hook => hook.Key));
    }

    [Fact]
    public void Stop_EndsAfterTheIteration()
    {
        using var model = new TinyModel();
        using var trainer = Make(
            model,
            epochs: 5,
            hooks: new()
            {
                ["spy"] = new Spy
                {
                    Iterated = run =>
                    {
                        if (run.Progress.Iteration == 7)
                            run.Stop("enough");
                    },
                },
            }
        );
        trainer.Run();
        Assert.Equal(7, trainer.Progress.Iteration);
        Assert.Equal("enough", trainer.StopReason);
    }

    [Fact]
    public void Iterations_LeaveNoNativeTensorsBehind()
    {
        // What other tests left to the finalizer would leave the count while this one looks at it.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var model = new TinyModel(dropout: 0.5);
        var counts = new List<long>();
        using var trainer = Make(
            model,
            loop: Epochs(20),
            step: new StepOptions(Accumulate: 2, ClipGrad: new ClipGradOptions(1)),
            optimizers: new() { ["optimizer"] = new AdamW(new AdamWOptions(0.01)) },
            hooks: new()
            {
                ["ema"] = new EmaHook(new EmaHookOptions()),
                ["guard"] = new NanGuardHook(new NanGuardHookOptions()),
                ["log"] = new LogHook(new LogHookOptions(2)),
                ["spy"] = new Spy { At = 999, Began = run => counts.Add(TorchSharp.torch.Tensor.TotalCount) },
            },
            evaluate: true
        );
        trainer.Run();
        // The sums of the losses come and go with the rows of the log; beyond them nothing may differ.
        Assert.True(
            counts[20..60].Max() == counts[60..].Max() && counts[60..].Max() - counts[60..].Min() <= 1,
            $"Tensors alive at the iterations: {string.Join(" ", counts)}"
        );
    }

    internal static Trainer Make(
        VisionModel model,
        int epochs = 1,
        int batchSize = 8,
        Loop? loop = null,
        StepOptions? step = null,
        Dictionary<string, OptimizerFactory>? optimizers = null,
        Dictionary<string, Hook>? hooks = null,
        Dictionary<string, Penalty>? penalties = null,
        bool evaluate = false,
        bool shuffle = true,
        IReadOnlyList<Schedule>? schedule = null,
        string? workDir = null,
        TinyLoader? loader = null
    ) =>
        new(
            new TrainerParts
            {
                Model = model,
                TrainLoader = loader ?? Loader(batchSize, shuffle),
                Loop = loop ?? Epochs(epochs),
                Step = step ?? new StepOptions(),
                Optimizers = optimizers ?? s_sgd,
                Schedule = schedule ?? [],
                Penalties = penalties ?? [],
                Hooks = hooks ?? [],
                ValLoader = evaluate ? new TinyLoader(new TinyDataset(30), 7, shuffle: false, noise: 0) : null,
                Metrics = evaluate
                    ? new Dictionary<string, Metric> { ["top1"] = TestComponents.Build<Metric>("""{ "type": "Accuracy" }""") }
                    : [],
                WorkDir = workDir ?? Path.GetTempPath(),
                Seed = 3,
            }
        );

    internal static Loop Epochs(int count, int validateEvery = 1) => new EpochLoop(new EpochLoopOptions(count, validateEvery));

    internal static Loop Iterations(long count, int validateEvery = 1) => new IterationLoop(new IterationLoopOptions(count, validateEvery));

    internal static Loop Counting(LoopKind kind, int count, int validateEvery = 1) =>
        kind == LoopKind.Epochs ? Epochs(count, validateEvery) : Iterations(count, validateEvery);

    internal static TinyLoader Loader(int batchSize, bool shuffle = true) => new(new TinyDataset(40), batchSize, shuffle);

    internal static double MaxDifference(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();

    private static Dictionary<string, float[]> Copy(TinyModel model) =>
        model
            .state_dict()
            .ToDictionary(
                entry => entry.Key,
                entry => entry.Value.is_floating_point() ? entry.Value.detach().reshape(-1).data<float>().ToArray() : []
            );

    /// <summary>Tells a test what happens.</summary>
    internal sealed class Spy : Hook
    {
        public int At { get; init; } = 500;
        public Action<RunState>? Began { get; init; }
        public Action<RunState>? Iterated { get; init; }
        public Action<RunState>? Evaluated { get; init; }

        public override int Order => At;

        public override void BeforeIteration(RunState run, Batch batch) => Began?.Invoke(run);

        public override void AfterIteration(RunState run, Batch batch, LossMap losses) => Iterated?.Invoke(run);

        public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics) => Evaluated?.Invoke(run);
    }

    private sealed class TwoPlayers : VisionModel
    {
        private readonly TorchSharp.Modules.Parameter first = new(ones(1));
        private readonly TorchSharp.Modules.Parameter second = new(ones(1));

        public TwoPlayers()
            : base(nameof(TwoPlayers)) => RegisterComponents();

        public float First => first.item<float>();

        public float Second => second.item<float>();

        public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();

        public override LossMap TrainStep(Batch batch, OptimizerSet optimizers, Progress progress)
        {
            var losses = new LossMap { ["first"] = (first + second).sum(), ["second"] = (3 * second).sum() };
            optimizers["first"].Step(losses["first"]);
            optimizers["second"].Step(losses["second"]);
            return losses;
        }
    }
}
