using Tessera.Framework.Checkpoints;
using Tessera.Tests.Tools.Running;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>A network that learns from another run's.</summary>
[Collection(InProcess.Name)]
public sealed class DistillationRunTests(DistillationRunTests.TaughtRun run) : IClassFixture<DistillationRunTests.TaughtRun>
{
    /// <summary>A teacher, and a student of another width that learns its probabilities and its last map.</summary>
    public sealed class TaughtRun : IDisposable
    {
        private readonly TinyRun _teacher = new();

        public TaughtRun()
        {
            File.WriteAllText(
                ConfigPath,
                $$"""
                {
                  "_base_": "tiny.json",
                  "model": { "backbone": { "base_channels": 4 } },
                  "train": { "batch_transforms": [ { "type": "Mixup" } ] },
                  "distill": {
                    "teacher": "{{_teacher.Checkpoint}}",
                    "own_weight": 0.5,
                    "losses": { "soft": { "type": "SoftTargetLoss", "weight": 0.5 }, "map": { "type": "FeatureLoss" } }
                  },
                  "hooks": { "ema": null, "checkpoint": { "save_best": null } }
                }
                """
            );
            Trained = Tool.Run("train", ConfigPath, "--work-dir", WorkDir).Succeeds();
        }

        internal Said Trained { get; }

        public string Teacher => _teacher.Checkpoint;

        public string ConfigPath => _teacher.At("student.json");

        public string WorkDir => _teacher.At("student");

        public string Checkpoint => Path.Combine(WorkDir, "epoch_2.safetensors");

        public string New() => _teacher.New();

        public void Dispose() => _teacher.Dispose();
    }

    [Fact]
    public void Train_TellsTheTeacher_AndLogsItsTerms()
    {
        Assert.Contains("Learns from ", run.Trained.All, StringComparison.Ordinal);
        Assert.Contains("soft (SoftTargetLoss), map (FeatureLoss)", run.Trained.All, StringComparison.Ordinal);
        Assert.Contains(
            "distill.soft",
            File.ReadAllText(Directory.EnumerateFiles(run.WorkDir, "scalars.jsonl", SearchOption.AllDirectories).Single()),
            StringComparison.Ordinal
        );
    }

    /// <summary>The student's checkpoint has the student, and beside it what the run needs to go on: the projection.</summary>
    [Fact]
    public void Checkpoint_HoldsNothingOfTheTeacher_AndNeedsNone()
    {
        using (var checkpoint = Checkpoint.Open(run.Checkpoint))
        {
            Assert.DoesNotContain(checkpoint.ModelNames().Keys, name => name.Contains("distill", StringComparison.Ordinal));
            Assert.Equal(
                ["distill.losses.map.proj.bias", "distill.losses.map.proj.weight"],
                checkpoint.Tensors.Keys.Where(name => name.StartsWith("distill.", StringComparison.Ordinal)).Order()
            );
            using var weight = checkpoint.Read("distill.losses.map.proj.weight");
            Assert.Equal([64, 32, 1, 1], weight.shape);
        }
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--cfg-options", "distill.teacher=nowhere.safetensors").Succeeds();
    }

    /// <summary>What these two do without a teacher, they say.</summary>
    [Fact]
    public void DoctorAndReplay_SayThatTheTeacherIsLeftOut()
    {
        var examined = Tool.Run("doctor", run.ConfigPath, "--overfit", "4", "--overfit-minutes", "0.02");
        Assert.Contains(
            "by the labels alone: the teacher",
            string.Join(' ', examined.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal
        );

        var workDir = Path.Combine(run.New(), "broken");
        var said = Tool.Run(
            "train",
            run.ConfigPath,
            "--work-dir",
            workDir,
            "--cfg-options",
            "train.dataset.pipeline.2.std=[1e-36, 1e-36, 1e-36]",
            "train.dataset.pipeline.2.mean=[0, 0, 0]"
        );
        Assert.NotEqual(0, said.Code);
        var file = Directory.EnumerateFiles(workDir, "nonfinite_*.safetensors", SearchOption.AllDirectories).First();
        var replayed = Tool.Run("replay-nonfinite", file).Succeeds();
        Assert.Contains("the run learned from a teacher too", replayed.All, StringComparison.Ordinal);
    }

    [Fact]
    public void Resumed_EqualsTheUnbrokenRun()
    {
        var workDir = Path.Combine(run.New(), "run");
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", "train.epochs=1").Succeeds();
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--resume").Succeeds();
        Assert.Equal(TrainingRun.Losses(run.WorkDir), TrainingRun.Losses(workDir));
        var (whole, again) = (TrainingRun.Tensors(run.Checkpoint), TrainingRun.Tensors(Path.Combine(workDir, "epoch_2.safetensors")));
        Assert.Equal(whole.Keys, again.Keys);
        Assert.All(whole, entry => Assert.True(entry.Value.AsSpan().SequenceEqual(again[entry.Key]), entry.Key));
    }

    [Theory]
    [InlineData("distill.teacher=nowhere.safetensors", "there is no file nowhere.safetensors")]
    [InlineData("distill.teacher=.", "holds no checkpoint")]
    [InlineData("distill.losses={ \"_delete_\": true }", "name at least one")]
    [InlineData("distill.losses.map.student_map=7", "student_map is 7, but the backbone gives 4 maps")]
    public void Train_TeacherThatCannotTeach_IsAMistake(string change, string message) =>
        Tool.Run("train", run.ConfigPath, "--work-dir", Path.Combine(run.New(), "run"), "--cfg-options", change).IsMistake(message);

    /// <summary>The teacher's pixels are those of the student, whatever each makes of them: with a teacher like the student, the terms
    /// are the same.</summary>
    [Fact]
    public void Train_StudentThatNormalizesOtherwise_AdjustsTheTeachersImages()
    {
        var said = Tool.Run(
                "train",
                run.ConfigPath,
                "--work-dir",
                Path.Combine(run.New(), "run"),
                "--cfg-options",
                "train.epochs=1",
                "train.dataset.pipeline.Normalize.mean=[0,0,0]",
                "train.dataset.pipeline.Normalize.std=[255,255,255]",
                "val.dataset.pipeline.Normalize.mean=[0,0,0]",
                "val.dataset.pipeline.Normalize.std=[255,255,255]",
                "test.dataset.pipeline.Normalize.mean=[0,0,0]",
                "test.dataset.pipeline.Normalize.std=[255,255,255]"
            )
            .Succeeds();
        Assert.Contains("whose images are normalised otherwise (adjusted)", said.All, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_ActivationsCheckpointed_IsTheSameRun()
    {
        var (config, folder) = (Path.Combine(Path.GetDirectoryName(run.ConfigPath)!, "tiny.json"), run.New());
        foreach (var on in (bool[])[false, true])
        {
            var trained = Tool.Run(
                    "train",
                    config,
                    "--work-dir",
                    Path.Combine(folder, $"{on}"),
                    "--cfg-options",
                    "train.epochs=1",
                    $"train.checkpoint_activations={(on ? "true" : "false")}"
                )
                .Succeeds();
            Assert.Equal(on, trained.All.Contains("8 blocks keep their input alone", StringComparison.Ordinal));
        }
        var (plain, twice) = (
            TrainingRun.Tensors(Path.Combine(folder, "False", "epoch_1.safetensors")),
            TrainingRun.Tensors(Path.Combine(folder, "True", "epoch_1.safetensors"))
        );
        Assert.All(plain, entry => Assert.True(entry.Value.AsSpan().SequenceEqual(twice[entry.Key]), entry.Key));
    }

    [Fact]
    public void Train_Muon_TellsWhatItTrains()
    {
        var config = Path.Combine(Path.GetDirectoryName(run.ConfigPath)!, "tiny.json");
        const string muon = """optimizer={ "_delete_": true, "type": "Muon", "lr": 0.02, "fallback": ["downsample"] }""";
        var trained = Tool.Run("train", config, "--work-dir", Path.Combine(run.New(), "run"), "--cfg-options", muon, "train.epochs=1")
            .Succeeds();
        // Two convolutions in each of 8 blocks; the stem's, three shortcuts' and the head's are AdamW's.
        Assert.Contains("Muon trains 16 matrices", trained.All, StringComparison.Ordinal);
        Assert.Contains("head.fc.weight", trained.All, StringComparison.Ordinal);
        Tool.Run("train", config, "--work-dir", Path.Combine(run.New(), "run"), "--cfg-options", muon, """train.tune=linear_probe""")
            .IsMistake("Muon trains the weights of hidden linear layers and convolutions, and none of those is trained here");
    }
}
