using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Tests.Framework.Running;

namespace Tessera.Tests.Framework.Hooks;

public sealed class PipelineSwitchTests
{
    [Fact]
    public void Skip_LeavesStepsOut_InTheLastEpochsAlone_AndOnce()
    {
        var loader = new Recorder();
        var hook = new PipelineSwitchHook(new(LastEpochs: 2, Skip: ["FirstStep"]));
        Assert.Equal([null, null, null, "SecondStep", "SecondStep"], Epochs(hook, loader, 0, 5));
        Assert.Equal(1, loader.Switches);
    }

    [Fact]
    public void ARunThatIsResumedLate_HasSwitched()
    {
        var loader = new Recorder();
        Assert.Equal(["SecondStep"], Epochs(new PipelineSwitchHook(new(LastEpochs: 2, Skip: ["FirstStep"])), loader, 4, 5));
    }

    [Fact]
    public void Pipeline_TakesItsPlace()
    {
        var loader = new Recorder();
        var hook = new PipelineSwitchHook(new(LastEpochs: 1), [new SecondStep(), new SecondStep()]);
        Assert.Equal([null, "SecondStep SecondStep"], Epochs(hook, loader, 0, 2));
    }

    [Fact]
    public void MoreEpochsThanTheRunHas_AreAllOfThem() =>
        Assert.Equal(
            ["SecondStep", "SecondStep"],
            Epochs(new PipelineSwitchHook(new(LastEpochs: 9, Skip: ["FirstStep"])), new Recorder(), 0, 2)
        );

    [Fact]
    public void Mistakes_AreToldAtTheBeginning()
    {
        using var run = new RunState { TrainLoader = new Recorder(), Progress = new Progress(0, 10, 0, 10) };
        var name = Assert.Throws<UserErrorException>(() => new PipelineSwitchHook(new(1, ["FirstStop"])).BeforeRun(run)).Message;
        Assert.Contains("skip names \"FirstStop\"", name, StringComparison.Ordinal);
        Assert.Contains("Did you mean \"FirstStep\"?", name, StringComparison.Ordinal);
        Assert.Contains("FirstStep, SecondStep", name, StringComparison.Ordinal);
        Assert.Contains(
            "neither",
            Assert.Throws<UserErrorException>(() => new PipelineSwitchHook(new(1))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "has both",
            Assert.Throws<UserErrorException>(() => new PipelineSwitchHook(new(1, ["FirstStep"]), [new SecondStep()])).Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>The pipeline in use at each epoch; null where it is the data set's own.</summary>
    private static List<string?> Epochs(PipelineSwitchHook hook, Recorder loader, int from, int total)
    {
        var used = new List<string?>();
        for (var epoch = from; epoch < total; epoch++)
        {
            using var run = new RunState { TrainLoader = loader, Progress = new Progress(epoch, total, epoch, total) };
            if (epoch == from)
                hook.BeforeRun(run);
            hook.BeforeEpoch(run);
            used.Add(loader.Used);
        }
        return used;
    }

    [Component("FirstStep")]
    private sealed class FirstStep : Transform
    {
        public override Sample Apply(Sample sample, RandomSource random) => sample;
    }

    [Component("SecondStep")]
    private sealed class SecondStep : Transform
    {
        public override Sample Apply(Sample sample, RandomSource random) => sample;
    }

    private sealed class Recorder : IBatchLoader
    {
        public string? Used { get; private set; }

        public int Switches { get; private set; }

        public Dataset Dataset { get; } = new TinyDataset(4) { Pipeline = [new FirstStep(), new SecondStep()] };

        public int BatchesPerEpoch => 1;

        public IReadOnlyList<(string Name, string Reason)> Skipped => [];

        public IEnumerable<Batch> Epoch(int epoch, int skip = 0) => [];

        public (TimeSpan Waiting, TimeSpan Total) TakeWaitTimes() => default;

        public void UsePipeline(IReadOnlyList<Transform> pipeline) =>
            (Used, Switches) = (string.Join(' ', pipeline.Select(step => step.GetType().Name)), Switches + 1);

        public void Dispose() { }
    }
}
