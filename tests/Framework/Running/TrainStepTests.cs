using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

/// <summary>The training step by itself, and what looks at it.</summary>
[Collection(ProcessWide.Name)]
public sealed class TrainStepTests
{
    [Fact]
    public void Run_AloneBatchByBatch_TrainsAsTheTrainerDoes()
    {
        var options = new StepOptions(Accumulate: 2, ClipGrad: new ClipGradOptions(0.3), Freeze: ["fc1.bias"], NormEval: ["bn"]);
        Dictionary<string, Penalty> penalties = new() { ["sparse"] = new L1Penalty(new L1PenaltyOptions(0.01)) };
        Dictionary<string, OptimizerFactory> optimizers = new() { ["optimizer"] = new Sgd(new SgdOptions(0.1, Momentum: 0.9)) };
        using var trained = new TinyModel();
        using (var trainer = TrainerTests.Make(trained, step: options, penalties: penalties, optimizers: optimizers))
            trainer.Run();

        using var alone = new TinyModel();
        using var step = new TrainStep(
            new StepParts
            {
                Model = alone,
                Optimizers = optimizers,
                Penalties = penalties,
                Step = options,
            }
        );
        Assert.Equal((1, 1), (step.FrozenParameters, step.StillNorms));
        step.TrainMode();
        var number = 0;
        foreach (var loaded in TrainerTests.Loader(8).Epoch(0)) // 5 batches: steps of 2, 2 and 1
        {
            using var batch = loaded;
            using var scope = NewDisposeScope();
            step.Prepare(batch);
            var losses = step.Run(batch, new Progress(number / 2, 3, 0, 1), number < 4 ? 2 : 1, completes: number is 1 or 3 or 4);
            Assert.Equal(["ce", "sparse"], losses.Keys);
            number++;
        }
        Assert.False(step.Finish()); // nothing was begun
        Assert.Equal(trained.Weights(), alone.Weights());
    }

    [Fact]
    public void Finish_MakesAStepOfWhatThereIs()
    {
        using var model = new TinyModel(norm: false);
        using var step = new TrainStep(
            new StepParts
            {
                Model = model,
                Optimizers = new Dictionary<string, OptimizerFactory> { ["optimizer"] = new Sgd(new SgdOptions(1)) },
            }
        );
        using var batch = TrainerTests.Loader(8).Epoch(0).First();
        var before = model.Weights();
        using (NewDisposeScope())
            step.Run(batch, default, batches: 2, completes: false);
        Assert.Equal(before, model.Weights());
        Assert.True(step.Finish());
        Assert.NotEqual(before, model.Weights());
        Assert.False(step.Finish());
    }

    [Fact]
    public void Loss_OfAModelWithAStepOfItsOwn_ThatIsNotFinite_IsNamed()
    {
        var folder = Directory.CreateTempSubdirectory("tessera-own-step-").FullName;
        using var model = new OwnStep();
        using var trainer = TrainerTests.Make(
            model,
            workDir: folder,
            optimizers: new()
            {
                ["first"] = new Sgd(new SgdOptions(1)) { Parameters = ["first"] },
                ["second"] = new Sgd(new SgdOptions(1)) { Parameters = ["second"] },
            },
            hooks: new() { ["nan_guard"] = new NanGuardHook(new NanGuardHookOptions()) }
        );
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Contains("Term: two = NaN.", error.Message, StringComparison.Ordinal);
        Assert.Contains("nonfinite_iter_2.safetensors", error.Message, StringComparison.Ordinal);
        Directory.Delete(folder, true);
    }

    [Fact]
    public void TwoGuards_AreAMistake()
    {
        using var model = new TinyModel();
        using var trainer = TrainerTests.Make(
            model,
            hooks: new()
            {
                ["nan_guard"] = new NanGuardHook(new NanGuardHookOptions()),
                ["other"] = new NanGuardHook(new NanGuardHookOptions(3)),
            }
        );
        Assert.Contains("two NanGuardHooks", Assert.Throws<UserErrorException>(trainer.Run).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Trace_OfAModuleOfSeveralInputs_NamesItAndWhatItWasGiven()
    {
        using var model = new Several();
        using var trace = new CallTrace(model);
        Assert.Null(trace.Failed);
        Assert.ThrowsAny<Exception>(() => model.call(ones(2, 3)));
        Assert.Equal("pair", trace.Failed!.Name);
        Assert.Equal(
            [
                [2L, 3L],
                [4L, 5L],
                [1L],
            ],
            trace.Failed.Inputs
        );
    }

    /// <summary>Has no loss but its own step's; the second optimizer's breaks in iteration 2.</summary>
    private sealed class OwnStep : VisionModel
    {
        private readonly TorchSharp.Modules.Parameter first = new(ones(1));
        private readonly TorchSharp.Modules.Parameter second = new(ones(1));

        public OwnStep()
            : base(nameof(OwnStep)) => RegisterComponents();

        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

        public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();

        public override LossMap TrainStep(Batch batch, OptimizerSet optimizers, Progress progress)
        {
            var factor = progress.Iteration == 2 ? double.NaN : 1;
            var losses = new LossMap { ["one"] = first.sum(), ["two"] = (factor * second).sum() };
            optimizers["first"].Step(losses["one"]);
            optimizers["second"].Step(losses["two"]);
            return losses;
        }
    }

    private sealed class Several : nn.Module<Tensor, Tensor>
    {
        private readonly Pair pair = new();

        public Several()
            : base(nameof(Several)) => RegisterComponents();

        public override Tensor forward(Tensor x) => pair.call(x, [ones(4, 5), ones(1)]);
    }

    private sealed class Pair() : nn.Module<Tensor, Tensor[], Tensor>(nameof(Pair))
    {
        public override Tensor forward(Tensor x, Tensor[] others) => x.mm(others[0]);
    }
}
