using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

/// <summary>A run that is resumed with other settings goes on rightly, or says what differs.</summary>
[Collection(ProcessWide.Name)]
public sealed class ResumeCheckTests
{
    private static readonly Dictionary<string, string> s_order = new()
    {
        ["train.loader.batch_size"] = "16",
        ["seed"] = "3",
        ["order"] = "ab",
    };

    private static readonly ResumeCheck.Present s_now = new(1, 10, 2, 50, TrainerTests.Epochs(10), HasSchedule: true, s_order);

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Same_GoesOn(int batch) => Assert.Empty(Check(s_now, batch));

    [Fact]
    public void AnotherNumberOfStepsAnEpoch_IsRefused_WithAllThatDiffers()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            Check(s_now with { Accumulate = 4, BatchesPerEpoch = 20, Processes = 2 }, batch: 0)
        );
        Assert.Contains("1 processes; this run has 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            "10 batches an epoch (train.loader.batch_size, the number of samples); this run has 20",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("2 batches a step (train.accumulate); this run has 4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train.loader.batch_size", "17", "train.loader.batch_size 16; this run has 17")]
    [InlineData("seed", "4", "seed 3; this run has 4")]
    [InlineData("order", "cd", "the samples in another order")]
    public void OtherSamples_AreRefusedWithinAnEpoch_AndToldBetweenTwo(string key, string value, string expected)
    {
        var other = s_now with { Order = new Dictionary<string, string>(s_order) { [key] = value } };
        var error = Assert.Throws<UserErrorException>(() => Check(other, batch: 4));
        Assert.Contains("in the middle of its epoch", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, Assert.Single(Check(other, batch: 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void Length_MayGrow_AndIsToldWhereAScheduleCountsIt_ButNotEndBeforeTheCheckpoint()
    {
        Assert.Contains(
            "100 iterations long now, 50 before",
            Assert.Single(Check(s_now with { TotalSteps = 100, Loop = TrainerTests.Epochs(20) }, batch: 0)),
            StringComparison.Ordinal
        );
        Assert.Empty(Check(s_now with { TotalSteps = 100, Loop = TrainerTests.Epochs(20), HasSchedule = false }, batch: 0));
        var error = Assert.Throws<UserErrorException>(() => Check(s_now with { TotalSteps = 5, Loop = TrainerTests.Epochs(1) }, batch: 0));
        Assert.StartsWith("train.epochs is 1, but the checkpoint has 2 of them behind it.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoint_OfAnEarlierRelease_SaysLess_AndGoesOn()
    {
        var values = new JsonObject
        {
            ["loader.iteration"] = 8,
            ["loader.epochs_done"] = 2,
            ["loader.batch"] = 4,
            ["loader.world_size"] = 1,
            ["loader.batches_per_epoch"] = 10,
        };
        ResumeCheck.Require(Reader(values), s_now, _ => Assert.Fail("nothing differs"));
    }

    [Theory]
    [InlineData("random.0.cpu", "not base 64", "the state of its random generators is damaged")]
    [InlineData("random.0.cpu", "AAAA", "the state of its random generators is damaged")]
    [InlineData("loader.epoch", "two", "its place in the run is damaged")]
    public void Damage_IsAMistakeOfTheFile(string key, string value, string expected)
    {
        using var model = new TinyModel();
        Dictionary<string, Tensor> tensors = [];
        JsonObject values = [];
        using (
            var trainer = TrainerTests.Make(
                model,
                hooks: new()
                {
                    ["spy"] = new TrainerTests.Spy
                    {
                        Iterated = run =>
                        {
                            if (run.Progress.Iteration != 2)
                                return;
                            var state = run.Capture();
                            tensors = state.Tensors.ToDictionary(
                                entry => entry.Key,
                                entry => entry.Value.detach().clone().DetachFromDisposeScope()
                            );
                            values = state.Values;
                        },
                    },
                }
            )
        )
            trainer.Run();
        values[key] = value;
        using var resumed = TrainerTests.Make(model);
        Assert.Contains(
            expected,
            Assert.Throws<UserErrorException>(() => resumed.Resume(new StateReader(tensors, values))).Message,
            StringComparison.Ordinal
        );
        foreach (var tensor in tensors.Values)
            tensor.Dispose();
    }

    /// <summary>What a run is told that takes up a checkpoint of two epochs of five steps.</summary>
    private static List<string> Check(ResumeCheck.Present now, int batch)
    {
        var said = new List<string>();
        ResumeCheck.Require(
            Reader(
                new JsonObject
                {
                    ["loader.iteration"] = 10,
                    ["loader.epochs_done"] = 2,
                    ["loader.batch"] = batch,
                    ["loader.world_size"] = 1,
                    ["loader.batches_per_epoch"] = 10,
                    ["loader.accumulate"] = 2,
                    ["loader.total_steps"] = 50,
                    ["loader.order"] = new JsonObject(s_order.Select(fact => KeyValuePair.Create(fact.Key, (JsonNode?)fact.Value))),
                }
            ),
            now,
            said.Add
        );
        return said;
    }

    private static StateReader Reader(JsonObject values) => new StateReader(new Dictionary<string, Tensor>(), values).Under("loader");
}
