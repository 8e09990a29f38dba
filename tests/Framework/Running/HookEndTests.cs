using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Framework.Running;

namespace Tessera.Tests.Framework.Running;

/// <summary>What begins for a hook also ends for it, wherever a hook or the run fails; the first cause is told.</summary>
[Collection(ProcessWide.Name)]
public sealed class HookEndTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(nameof(Hook.BeforeRun))]
    [InlineData(nameof(Hook.AfterRun))]
    [InlineData(nameof(Hook.BeforeEpoch))]
    [InlineData(nameof(Hook.AfterEpoch))]
    [InlineData(nameof(Hook.BeforeIteration))]
    [InlineData(nameof(Hook.AfterIteration))]
    [InlineData(nameof(Hook.BeforeEvaluation))]
    [InlineData(nameof(Hook.AfterEvaluation))]
    public void Hook_ThatFails_KeepsNoneFromEnding(string at)
    {
        foreach (var order in new[] { 50, 300, 900 }) // first, in the middle, last
        {
            using var model = new TinyModel();
            var bad = new Counting(order) { FailsAt = [at] };
            Dictionary<string, Counting> hooks = new()
            {
                ["a"] = new(100),
                ["bad"] = bad,
                ["c"] = new(800),
            };
            using var trainer = Make(model, hooks);
            var error = Assert.Throws<UserErrorException>(trainer.Run);
            Assert.StartsWith($"broken at {at}", error.Message, StringComparison.Ordinal);
            Assert.Equal(1, bad.Count(at));
            foreach (var (key, hook) in hooks)
                AssertEnded(key, hook, beganRun: !(at == nameof(Hook.BeforeRun) && (hook == bad || hook.Order > order)));
            Assert.Same(trainer.State.Failure, error);
        }
    }

    [Theory]
    [InlineData(nameof(Hook.AfterIteration), nameof(Hook.EpochUnfinished))]
    [InlineData(nameof(Hook.AfterIteration), nameof(Hook.AfterRun))]
    [InlineData(nameof(Hook.AfterEvaluation), nameof(Hook.EpochUnfinished))]
    [InlineData(nameof(Hook.BeforeEvaluation), nameof(Hook.EvaluationFailed))]
    [InlineData(nameof(Hook.BeforeEpoch), nameof(Hook.EpochUnfinished))]
    public void Hook_ThatFailsInItsEndToo_LeavesTheFirstCause(string first, string second)
    {
        using var model = new TinyModel();
        Dictionary<string, Counting> hooks = new()
        {
            ["a"] = new(100) { FailsAt = [second] },
            ["b"] = new(200) { FailsAt = [first] },
            ["c"] = new(800) { FailsAt = [second] },
        };
        using var trainer = Make(model, hooks);
        Assert.StartsWith($"broken at {first}", Assert.Throws<UserErrorException>(trainer.Run).Message, StringComparison.Ordinal);
        foreach (var (key, hook) in hooks)
            AssertEnded(key, hook);
    }

    [Fact]
    public void Epoch_InWhichTheRunIsStopped_IsUnfinishedForEachHook()
    {
        using var model = new TinyModel();
        Dictionary<string, Counting> hooks = new()
        {
            ["a"] = new(100) { StopsAt = 7 },
            ["b"] = new(900),
        };
        using var trainer = Make(model, hooks);
        trainer.Run();
        foreach (var (key, hook) in hooks)
        {
            AssertEnded(key, hook);
            Assert.Equal(
                (2, 1, 1),
                (hook.Count(nameof(Hook.BeforeEpoch)), hook.Count(nameof(Hook.AfterEpoch)), hook.Count(nameof(Hook.EpochUnfinished)))
            );
        }
    }

    [Fact]
    public void Epoch_InWhichTheRunIsStopped_AndAHookCantEnd_FailsTheRun()
    {
        using var model = new TinyModel();
        Dictionary<string, Counting> hooks = new()
        {
            ["a"] = new(100) { StopsAt = 7, FailsAt = [nameof(Hook.EpochUnfinished)] },
            ["b"] = new(900),
        };
        using var trainer = Make(model, hooks);
        Assert.Equal("broken at EpochUnfinished", Assert.Throws<UserErrorException>(trainer.Run).Message);
        AssertEnded("b", hooks["b"]);
    }

    [Fact]
    public void Average_WhoseEvaluationAnotherHookBreaks_IsPutBackOnce_AndTheModelTrainsAgain()
    {
        using var model = new TinyModel();
        using var ema = new EmaHook(new EmaHookOptions(0.999, Warmup: false));
        float[] trained = [];
        var mode = false;
        using var trainer = TrainerTests.Make(
            model,
            evaluate: true,
            workDir: _folder.Path,
            hooks: new()
            {
                ["ema"] = ema,
                ["bad"] = new Counting(800) { FailsAt = [nameof(Hook.AfterEvaluation)] },
                ["spy"] = new TrainerTests.Spy { At = 90, Iterated = _ => trained = model.Weights() },
                ["end"] = new AtEnd(run => mode = run.Model.training),
            }
        );
        Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Equal(trained, model.Weights());
        Assert.True(mode);
    }

    private Trainer Make(TinyModel model, Dictionary<string, Counting> hooks) =>
        TrainerTests.Make(
            model,
            epochs: 2,
            evaluate: true,
            workDir: _folder.Path,
            hooks: hooks.ToDictionary(hook => hook.Key, hook => (Hook)hook.Value)
        );

    private static void AssertEnded(string key, Counting hook, bool beganRun = true)
    {
        Assert.True(hook.Count(nameof(Hook.AfterRun)) == (beganRun ? 1 : 0), $"{key}: AfterRun");
        Assert.True(
            hook.Count(nameof(Hook.BeforeEpoch)) == hook.Count(nameof(Hook.AfterEpoch)) + hook.Count(nameof(Hook.EpochUnfinished)),
            $"{key}: epochs"
        );
        Assert.True(
            hook.Count(nameof(Hook.BeforeEvaluation))
                == hook.Count(nameof(Hook.AfterEvaluation)) + hook.Count(nameof(Hook.EvaluationFailed)),
            $"{key}: evaluations"
        );
    }

    /// <summary>Counts its calls, and fails in the first of some.</summary>
    private sealed class Counting(int order) : Hook
    {
        private readonly Dictionary<string, int> _calls = [];

        public string[] FailsAt { get; init; } = [];

        public long StopsAt { get; init; } = -1;

        public override int Order => order;

        public int Count(string call) => _calls.GetValueOrDefault(call);

        public override void BeforeRun(RunState run) => See(nameof(BeforeRun));

        public override void AfterRun(RunState run) => See(nameof(AfterRun));

        public override void BeforeEpoch(RunState run) => See(nameof(BeforeEpoch));

        public override void AfterEpoch(RunState run) => See(nameof(AfterEpoch));

        public override void EpochUnfinished(RunState run) => See(nameof(EpochUnfinished));

        public override void BeforeIteration(RunState run, Batch batch) => See(nameof(BeforeIteration));

        public override void AfterIteration(RunState run, Batch batch, LossMap losses)
        {
            See(nameof(AfterIteration));
            if (run.Progress.Iteration == StopsAt)
                run.Stop("enough");
        }

        public override void BeforeEvaluation(RunState run) => See(nameof(BeforeEvaluation));

        public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics) => See(nameof(AfterEvaluation));

        public override void EvaluationFailed(RunState run) => See(nameof(EvaluationFailed));

        private void See(string call)
        {
            _calls[call] = Count(call) + 1;
            if (FailsAt.Contains(call))
                throw new UserErrorException($"broken at {call}");
        }
    }

    private sealed class AtEnd(Action<RunState> see) : Hook
    {
        public override void AfterRun(RunState run) => see(run);
    }
}
