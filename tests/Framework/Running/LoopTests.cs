using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Loops;

namespace Tessera.Tests.Framework.Running;

/// <summary>What a config says of the loop, and a loop from outside.</summary>
[Collection(ProcessWide.Name)]
public sealed class LoopTests
{
    private static readonly ServiceProvider s_services = new ServiceCollection()
        .AddComponents(typeof(ComponentBuilder).Assembly)
        .AddComponents(typeof(LoopTests).Assembly)
        .BuildServiceProvider();

    [Theory]
    [InlineData("\"epochs\": 3", typeof(EpochLoop), 3, 1)]
    [InlineData("\"loop\": \"epochs\", \"epochs\": 3, \"validate_every\": 2", typeof(EpochLoop), 3, 2)]
    [InlineData("\"loop\": \"iterations\", \"iterations\": 50, \"validate_every\": 0", typeof(IterationLoop), 50, 0)]
    [InlineData("\"loop\": { \"type\": \"EpochLoop\", \"epochs\": 4 }", typeof(EpochLoop), 4, 1)]
    [InlineData("\"loop\": { \"type\": \"IterationLoop\", \"iterations\": 9, \"validate_every\": 3 }", typeof(IterationLoop), 9, 3)]
    [InlineData("\"epochs\": null, \"loop\": { \"type\": \"HalfEpochs\", \"times\": 5 }", typeof(HalfEpochs), 5, 0)]
    public void Config_NamesALoop(string train, Type type, long length, int validateEvery)
    {
        var loop = Bind(train).BuildLoop(s_services);
        Assert.IsType(type, loop);
        Assert.Equal((length, validateEvery), (loop.Length, loop.ValidateEvery));
    }

    [Theory]
    [InlineData("\"loop\": \"epoch\"", "\"epoch\" is none of epochs, iterations. Did you mean \"epochs\"?")]
    [InlineData("\"loop\": 3", "one of \"epochs\", \"iterations\", or a loop: an object with \"type\"")]
    [InlineData("\"loop\": { \"type\": \"EpochLop\" }", "Did you mean \"EpochLoop\"?")]
    [InlineData("\"loop\": { \"type\": \"EpochLoop\" }", "EpochLoop needs \"epochs\": an integer.")]
    [InlineData("\"loop\": { \"type\": \"EpochLoop\", \"epochs\": 0 }", "\"epochs\" must be at least 1; it is 0.")]
    [InlineData("\"epochs\": 3, \"loop\": { \"type\": \"EpochLoop\", \"epochs\": 4 }", "train.epochs")]
    [InlineData("\"validate_every\": 1, \"loop\": { \"type\": \"EpochLoop\", \"epochs\": 4 }", "The loop EpochLoop says itself how long")]
    public void Config_WithAMistake_SaysIt(string train, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => Bind(train)).Message, StringComparison.Ordinal);

    [Fact]
    public void Length_ThatIsMissing_SaysWhichKey()
    {
        Assert.Equal(
            "train.iterations: the loop counts iterations, so it must say how many (or set train.loop to \"epochs\").",
            Assert.Throws<UserErrorException>(() => Bind("\"loop\": \"iterations\"").BuildLoop(s_services)).Message
        );
        Assert.Equal(
            "train.epochs: must be at least 1.",
            Assert.Throws<UserErrorException>(() => new EpochLoop(new EpochLoopOptions(0))).Message
        );
        Assert.Equal("train.epochs", Bind("\"epochs\": 3").BuildLoop(s_services).LengthKey);
        Assert.Equal("train.loop.epochs", Bind("\"loop\": { \"type\": \"EpochLoop\", \"epochs\": 4 }").BuildLoop(s_services).LengthKey);
    }

    [Fact]
    public void Options_OfAStep_AreTrains_AsTheyAre()
    {
        StepOptions step = Bind(
            "\"epochs\": 1, \"accumulate\": 4, \"clip_grad\": { \"norm\": 2 }, \"freeze\": [\"fc1\"], \"sync_bn\": true"
        );
        Assert.Equal((4, 2.0, "fc1", true), (step.Accumulate, step.ClipGrad!.Norm!.Value, step.Freeze!.Single(), step.SyncBn));
        Assert.Contains(
            "\"accumulate\" must be ",
            Assert.Throws<UserErrorException>(() => Bind("\"accumulate\": 0")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Loop_FromOutside_DrivesARun()
    {
        using var model = new TinyModel();
        var seen = new List<(int Epoch, long Iteration)>();
        var unfinished = 0;
        using var trainer = TrainerTests.Make(
            model,
            loop: Bind("\"loop\": { \"type\": \"HalfEpochs\", \"times\": 5 }").BuildLoop(s_services),
            evaluate: true,
            hooks: new()
            {
                ["spy"] = new TrainerTests.Spy { Evaluated = run => seen.Add((run.EpochsDone, run.Progress.Iteration)) },
                ["ends"] = new Unfinished(() => unfinished++),
            }
        );
        trainer.Run();
        // Two of five batches each time: 2, 4 and (the one that is left) 5 in the first epoch, 7 and 9 in the second.
        Assert.Equal((9, 1), (trainer.Progress.Iteration, trainer.EpochsDone));
        Assert.Equal([(1, 5)], seen);
        Assert.Equal(4, unfinished);
    }

    private static TrainOptions Bind(string train) =>
        s_services
            .GetRequiredService<ComponentBuilder>()
            .Bind<Whole>(ConfigDocument.Parse($$"""{ "train": { "dataset": { "type": "Points" }, {{train}} } }"""))
            .Train;

    /// <param name="Train">As in a whole config.</param>
    public sealed record Whole(TrainOptions Train);

    /// <param name="Times">Length of the run.</param>
    public sealed record HalfEpochsOptions(int Times);

    /// <summary>Leaves an epoch after half of its batches, and takes it up again; evaluates after each that is whole.</summary>
    [Component("HalfEpochs")]
    public sealed class HalfEpochs(HalfEpochsOptions options) : Loop(LoopKind.Iterations, options.Times, validateEvery: 0)
    {
        public override void Run(Training training)
        {
            for (var time = 0; time < options.Times && !training.Stops(); time++)
                training.Epoch(batches =>
                {
                    foreach (var batch in batches.Take(2))
                        training.Iterate(batch);
                });
        }

        public override bool EvaluatesAfterEpoch(RunState run) => true;
    }

    /// <summary>Samples that nobody reads.</summary>
    [Component("Points")]
    public sealed class Points : Dataset
    {
        public override int Count => 1;

        public override DataInfo Info { get; } = new(["a"], DataTask.Classification);

        public override Sample Get(int index) => throw new NotSupportedException();
    }

    private sealed class Unfinished(Action see) : Hook
    {
        public override void EpochUnfinished(RunState run) => see();
    }
}
