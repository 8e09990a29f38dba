using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Processes;
using Tessera.Results;
using Tessera.Tests.Tools.EndToEnd;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Sessions;

[Collection(InProcess.Name)]
public sealed class SessionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-session").FullName;

    private string ConfigPath
    {
        get
        {
            var path = Path.Combine(_folder, "tiny.json");
            File.WriteAllText(path, TinyRun.Config);
            return path;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Parts_AreMadeOnceAndKept()
    {
        using var session = Session.Open(ConfigPath, new SessionOptions { Precision = Precision.Fp32 });
        Assert.Same(session.Data[DataPart.Val], session.Data[DataPart.Val]);
        Assert.Same(session.Data.Loader(DataPart.Val), session.Data.Loader(DataPart.Val));
        Assert.Same(session.Model, session.Model);
        Assert.NotSame(session.Data.CreateMetrics(DataPart.Val), session.Data.CreateMetrics(DataPart.Val));
        Assert.Equal(DataPart.Test, session.Data.EvaluatedPart);
        Assert.Equal(1, session.Group.WorldSize);
        using var another = session.CreateModel(session.Data[DataPart.Train].Info);
        Assert.NotSame(session.Model, another);
        Assert.Throws<InvalidOperationException>(() => session.MakeModel(session.Data[DataPart.Train].Info));
    }

    [Fact]
    public void Options_StandBeforeTheConfigs()
    {
        using var session = Session.Open(ConfigPath, new SessionOptions { Device = "nowhere", Overrides = ["seed=5"] });
        Assert.Equal(5, session.Options.Seed);
        Assert.Contains("nowhere", Assert.Throws<UserErrorException>(() => session.Device).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Part_ThatTheConfigLacks_IsNamed()
    {
        using var session = Session.Open(ConfigPath, new SessionOptions { Overrides = ["test=null", "val=null"] });
        Assert.False(session.Data.Has(DataPart.Val));
        var error = Assert.Throws<UserErrorException>(() => session.Data[DataPart.Val]);
        Assert.Equal($"{Path.Combine(_folder, "tiny.json")}: it has no val.dataset.", error.Message);
        Assert.EndsWith(
            "there is nothing to evaluate on.",
            Assert.Throws<UserErrorException>(() => session.Data.EvaluatedPart).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Config_WithMistakes_IsRefusedWhenItIsOpened() =>
        Assert.Contains(
            "ResNet has no option \"depht\"",
            Assert
                .Throws<UserErrorException>(() =>
                    Session.Open(ConfigPath, new SessionOptions { Overrides = ["model.backbone.depht=3"] }).Dispose()
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Checkpoint_GivesModelWeightsAndClasses()
    {
        var path = FixtureFile.At("checkpoints", "earlier", "sgd-epoch_2.safetensors");
        using var session = Session.OfCheckpoint(path, new SessionOptions { Device = "cpu" });
        Assert.NotEmpty(session.TrainedOn!.Classes);
        Assert.False(session.Model.training);
        using var random = session.CreateModel(session.TrainedOn);
        var loaded = session.Model.state_dict();
        Assert.Contains(random.state_dict(), entry => !entry.Value.allclose(loaded[entry.Key]));
        using var again = Session.OfCheckpoint(path, new SessionOptions { Device = "cpu" });
        Assert.All(again.Model.state_dict(), entry => Assert.True(entry.Value.allclose(loaded[entry.Key])));
    }

    [Fact]
    public void Run_FromCode_TrainsAndItsCheckpointPredicts()
    {
        var options = new SessionOptions { Overrides = ["train.epochs=1", "train.dataset.count=16"] };
        var work = Path.Combine(_folder, "run");
        using (var session = Session.Open(ConfigPath, options))
        using (var runner = Runner.Create(session, new RunnerOptions { WorkDir = work }))
            runner.Run();

        using (var session = Session.Open(ConfigPath, options))
        {
            var taken = Assert.Throws<UserErrorException>(() => Runner.Create(session, new RunnerOptions { WorkDir = work }));
            Assert.Contains("Resume = true", taken.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("--", taken.Message, StringComparison.Ordinal); // the words of a command line
            Assert.Contains(taken.Advice, advice => advice.Settings is ["overwrite"]);
        }

        using var predictor = Predictor.Load(Path.Combine(work, "epoch_1.safetensors"), new PredictorOptions { Device = "cpu" });
        var image = Path.Combine(_folder, "shape.png");
        File.WriteAllBytes(image, TinyRun.Png(1));
        var result = predictor.Classify(image);
        Assert.Equal(predictor.Data.Classes.Count, result.Ranked.Count);
        Assert.Equal(predictor.Data.Classes[result.Best.Index], result.Best.Name);
        Assert.Equal(1, result.Ranked.Sum(entry => entry.Score), 1e-4);
        Assert.Equal(result.Ranked.OrderByDescending(entry => entry.Score), result.Ranked);
        using (var picture = predictor.Draw(image, result))
            Assert.True(picture.Height > 160); // the enlarged image and a line under it
        Assert.Contains(
            "is for classification, whose results are Classification, not Detections",
            Assert.Throws<InvalidOperationException>(() => predictor.Detect(image)).Message,
            StringComparison.Ordinal
        );
    }
}
