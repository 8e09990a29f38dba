using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.PyTorch;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Published weights into a tiny model whose right answer is known tensor by tensor.</summary>
public sealed class PretrainedTests : PretrainedModel
{
    [Theory]
    [InlineData("backbone.{0}", "{0}", "own names")]
    [InlineData("module.backbone.{0}", "module.{0}", "data parallel")]
    [InlineData("stem", "classifier.", "elsewhere")]
    [InlineData("module.stem", "module.classifier.", "elsewhere in data parallel")]
    [InlineData("plain", "fc.", "plain")]
    public void LoadWhole_ForeignNames_FillsEveryTensor(string backbone, string head, string what)
    {
        Assert.NotEmpty(what);
        var path = Write("weights.safetensors", name => Foreign(name, backbone, head));
        var report = ForeignWeights.LoadWhole(_target, path, Data);
        Assert.True(report.IsComplete);
        Assert.Equal(_source.state_dict().Count, report.Loaded.Count);
        AssertSame();
    }

    [Fact]
    public void LoadWhole_PyTorchFile_FillsEveryTensor()
    {
        var path = _folder.At("weights.pth");
        using (var stream = File.Create(path))
            PyTorchWriter.Write(stream, [.. _source.state_dict().Select(pair => WeightSource.From("module." + pair.Key, pair.Value))]);
        Assert.True(ForeignWeights.LoadWhole(_target, path, Data).IsComplete);
        AssertSame();
    }

    [Fact]
    public void LoadWhole_OtherClassCount_ComparesTheCounts()
    {
        var path = Write("weights.safetensors", name => name);
        using var six = new TinyModel(classes: 6);
        var before = six.state_dict()["backbone.conv1.weight"].clone();
        var error = Assert.Throws<UserErrorException>(() =>
            ForeignWeights.LoadWhole(six, path, new DataInfo(["a", "b", "c", "d", "e", "f"], DataTask.Classification))
        );
        Assert.Contains("classifier has 5 classes, the data 6", error.Message, StringComparison.Ordinal);
        Assert.True(before.Equals(six.state_dict()["backbone.conv1.weight"]), "The model was changed all the same.");
    }

    [Fact]
    public void LoadWhole_TensorMissing_NamesIt()
    {
        var path = Write("weights.safetensors", name => name == "backbone.bn1.bias" ? null : name);
        Assert.Contains(
            "backbone.bn1.bias",
            Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(_target, path, Data)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void LoadWhole_PublishedElsewhereWithItsClasses_ComparesTheNames()
    {
        var path = Publisher
            .Publish(
                new CheckpointStore(_folder.Path).Save("epoch_1", CheckpointStoreTests.State(_source), CheckpointStoreTests.Info(_source)),
                _folder.At("out.safetensors")
            )
            .Path;
        ForeignWeights.LoadWhole(_target, path, CheckpointStoreTests.Info(_source).Data);
        AssertSame();
        Assert.Contains(
            "class 0",
            Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(_target, path, Data)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Initialize_ClassifierOfOtherCount_IsLeftOut()
    {
        var path = Write("weights.safetensors", name => name);
        using var six = new TinyModel(classes: 6);
        var report = Load(six, new PretrainedOptions(path));
        Assert.Equal(["head.fc.bias", "head.fc.weight"], report.Skipped.Order(StringComparer.Ordinal));
        Assert.True(six.state_dict()["backbone.conv1.weight"].Equals(_source.state_dict()["backbone.conv1.weight"]));
    }

    [Fact]
    public void Initialize_BackboneFromWholeModel_FindsItsPart()
    {
        var path = Write("weights.safetensors", name => Foreign(name, "stem", "classifier."));
        var report = Load(_target.Backbone, new PretrainedOptions(path, Keys: "elsewhere"));
        Assert.Empty(report.Missing);
        Assert.Equal(["classifier.bias", "classifier.weight"], report.Unexpected.Order(StringComparer.Ordinal));
        Assert.True(_target.state_dict()["backbone.bn1.weight"].Equals(_source.state_dict()["backbone.bn1.weight"]));
    }

    [Fact]
    public void Initialize_BackboneFromACheckpointOfOurs_FindsItsPart()
    {
        var path = new CheckpointStore(_folder.Path).Save(
            "epoch_1",
            CheckpointStoreTests.State(_source),
            CheckpointStoreTests.Info(_source)
        );
        var report = Load(_target.Backbone, new PretrainedOptions(path));
        Assert.Empty(report.Missing);
        Assert.True(_target.state_dict()["backbone.conv1.weight"].Equals(_source.state_dict()["backbone.conv1.weight"]));
    }

    [Fact]
    public void Initialize_Bgr_SwapsTheFirstConvolutionsChannels()
    {
        var path = Write("weights.safetensors", name => name);
        Load(_target, new PretrainedOptions(path, InputMode: ChannelOrder.Bgr));
        var (stored, loaded) = (_source.state_dict()["backbone.conv1.weight"], _target.state_dict()["backbone.conv1.weight"]);
        for (var channel = 0; channel < 3; channel++)
            Assert.True(loaded.select(1, channel).Equals(stored.select(1, 2 - channel)), $"channel {channel}");
        Assert.True(_target.state_dict()["head.fc.weight"].Equals(_source.state_dict()["head.fc.weight"]));
    }

    [Fact]
    public void Initialize_KeyMapAndSkip_RenameAndLeaveOut()
    {
        var path = Write("weights.safetensors", name => "net/" + name);
        var report = Load(
            _target,
            new PretrainedOptions(path, KeyMap: new Dictionary<string, string> { ["^net/"] = "" }, Skip: ["^head\\."])
        );
        Assert.Equal(["head.fc.bias", "head.fc.weight"], report.Skipped.Order(StringComparer.Ordinal));
        Assert.Empty(report.Unexpected);
        Assert.True(_target.state_dict()["backbone.conv1.weight"].Equals(_source.state_dict()["backbone.conv1.weight"]));
    }

    [Fact]
    public void Initialize_WrongShape_IsReportedAndStrictFails()
    {
        using var wide = new TinyModel(width: 8);
        var path = Write("weights.safetensors", name => name is "head.fc.weight" ? null : name);
        var report = Load(wide, new PretrainedOptions(path));
        Assert.Contains(report.WrongShape, wrong => wrong == ("backbone.conv1.weight", "[8, 3, 3, 3]", "[4, 3, 3, 3]"));
        Assert.Equal(["backbone.bn1.num_batches_tracked", "head.fc.bias"], report.Loaded.Order(StringComparer.Ordinal));
        Assert.Contains(
            "wrong shape",
            Assert.Throws<UserErrorException>(() => Load(wide, new PretrainedOptions(path, Strict: true))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Initialize_NothingFits_ShowsBothSides()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            Load(_target, new PretrainedOptions(FixtureFile.At("checkpoints", "good", "types.zip.pth")))
        );
        Assert.Contains("The file has: bool [2, 3]", error.Message, StringComparison.Ordinal);
        Assert.Contains("TinyModel has: backbone.conv1.weight [4, 3, 3, 3]", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("elsewere", "Did you mean \"elsewhere\"?")]
    [InlineData("caffe2", "It has: elsewhere, plain, own.")]
    public void Initialize_UnknownMap_NamesTheKnown(string keys, string expected)
    {
        var path = Write("weights.safetensors", name => name);
        Assert.Contains(
            expected,
            Assert.Throws<UserErrorException>(() => Load(_target, new PretrainedOptions(path, Keys: keys))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Initialize_BadPattern_IsTheUsersError() =>
        Assert.Contains(
            "regular expression",
            Assert
                .Throws<UserErrorException>(() =>
                    new PretrainedInitializer(new PretrainedOptions(Write("weights.safetensors", name => name), Skip: ["("])).Initialize(
                        _target,
                        new InitContext(Data)
                    )
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Apply_InitOfBackboneAndModel_RunsBoth()
    {
        _target.Backbone.Init = new PretrainedInitializer(new PretrainedOptions("backbone.safetensors"));
        Write("backbone.safetensors", name => name.StartsWith("backbone.", StringComparison.Ordinal) ? name["backbone.".Length..] : null);
        ModelInitialization.Apply(_target, new InitContext(Data, _folder.Path));
        Assert.True(_target.state_dict()["backbone.conv1.weight"].Equals(_source.state_dict()["backbone.conv1.weight"]));
        Assert.False(_target.state_dict()["head.fc.weight"].Equals(_source.state_dict()["head.fc.weight"]));
    }
}
