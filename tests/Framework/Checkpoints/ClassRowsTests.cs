using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Rows of a classifier by class name; the checkpoint's classes are cat, dog, ünï "q", d, e.</summary>
public sealed class ClassRowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyModel _source = new();

    public void Dispose()
    {
        _folder.Dispose();
        _source.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Load_ClassesInAnotherOrder_GoByName(bool published)
    {
        var path = published ? Published(".safetensors") : Checkpoint();
        string[] classes = ["e", "dog", "cat", "ünï \"q\"", "d"];
        using var target = new TinyModel();
        ForeignWeights.Load(target, path, new PretrainedOptions(path), Context(classes));
        AssertRows(target, [4, 1, 0, 2, 3]);
    }

    [Theory]
    [InlineData(".safetensors")]
    [InlineData(".pth")]
    public void LoadWhole_ClassesInAnotherOrder_GoByName(string extension)
    {
        string[] classes = ["e", "dog", "cat", "ünï \"q\"", "d"];
        using var target = new TinyModel();
        Assert.True(ForeignWeights.LoadWhole(target, Published(extension), new DataInfo(classes, DataTask.Classification)).IsComplete);
        AssertRows(target, [4, 1, 0, 2, 3]);
    }

    /// <summary>Four rows a class, and a background behind them.</summary>
    [Fact]
    public void Take_RowsOfEachClassAndTheBackground_GoByName()
    {
        var rows = new ClassRows(["cat", "dog"], ["owl", "cat"]);
        using var target = zeros(2 * 4, 2);
        using var stored = arange(2 * 4 * 2).to(ScalarType.Float32).view(8, 2);
        rows.Add(new ClassTensor("boxes") { RowsPerClass = 4 }, target, [8, 2], null);
        using var boxes = rows.Take("boxes", stored, target)!;
        Assert.Equal([0, 0, 0, 0, 0, 2, 4, 6], boxes.select(1, 0).data<float>().ToArray().Order());
        Assert.Equal([0, 0, 0, 0], boxes.narrow(0, 0, 4).select(1, 0).data<float>().ToArray());

        using var logits = zeros(3);
        using var inFile = tensor(new float[] { 5, 6, 7 });
        rows.Add(new ClassTensor("logits") { Others = 1 }, logits, [3], null);
        using var taken = rows.Take("logits", inFile, logits)!;
        Assert.Equal([0, 5, 7], taken.data<float>().ToArray());

        var other = new ClassRows(null, ["a", "b", "c"]);
        using var three = zeros(4);
        other.Add(new ClassTensor("logits") { Others = 1 }, three, [3], null);
        Assert.Equal((2, 3), other.OtherCount);
        Assert.Null(other.Take("logits", inFile, three));
    }

    [Fact]
    public void Load_OtherClasses_KeepTheirFirstWeightsAndTheRestGoesByName()
    {
        using var target = new TinyModel(classes: 3);
        using var before = target.state_dict()["head.fc.weight"].clone();
        ForeignWeights.Load(target, Checkpoint(), new PretrainedOptions(Checkpoint()), Context(["owl", "dog", "cat"]));
        AssertRows(target, [-1, 1, 0], before);
    }

    [Fact]
    public void Load_NoneOfTheClasses_LeavesTheClassifier()
    {
        using var target = new TinyModel();
        using var before = target.state_dict()["head.fc.weight"].clone();
        var path = Checkpoint();
        var report = ForeignWeights.Load(target, path, new PretrainedOptions(path), Context(["v", "w", "x", "y", "z"]));
        Assert.Equal(["head.fc.bias", "head.fc.weight"], report.Skipped.Order(StringComparer.Ordinal));
        AssertRows(target, [-1, -1, -1, -1, -1], before);
        ForeignWeights.Load(
            target,
            path,
            new PretrainedOptions(path, MatchClasses: ClassMatch.InOrder),
            Context(["v", "w", "x", "y", "z"])
        );
        AssertRows(target, [0, 1, 2, 3, 4]);
    }

    [Theory]
    [InlineData("cat,dog,d,e", "knows 5 classes")]
    [InlineData("cat,dog,x,d,e", "match_classes")]
    public void LoadWhole_OtherClasses_AreAnErrorBeforeAnythingChanges(string names, string expected)
    {
        var classes = names.Split(',');
        using var target = new TinyModel(classes.Length);
        using var before = target.state_dict()["backbone.conv1.weight"].clone();
        var path = Published(".safetensors");
        Assert.Contains(
            expected,
            Assert
                .Throws<UserErrorException>(() => ForeignWeights.LoadWhole(target, path, new DataInfo(classes, DataTask.Classification)))
                .Message,
            StringComparison.Ordinal
        );
        Assert.True(before.Equals(target.state_dict()["backbone.conv1.weight"]));
        if (classes.Length != 5)
            return;
        ForeignWeights.LoadWhole(
            target,
            path,
            new DataInfo(classes, DataTask.Classification),
            new PretrainedOptions(path, MatchClasses: ClassMatch.InOrder)
        );
        AssertRows(target, [0, 1, 2, 3, 4]);
    }

    [Fact]
    public void LoadWhole_AnotherTask_IsAnError()
    {
        using var target = new TinyModel();
        Assert.Contains(
            "MultiLabel",
            Assert
                .Throws<UserErrorException>(() =>
                    ForeignWeights.LoadWhole(
                        target,
                        Published(".safetensors"),
                        new DataInfo(CheckpointStoreTests.Info(_source).Data.Classes, DataTask.MultiLabel)
                    )
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Load_FailOnOtherCount_IsAnErrorWithNamesToo()
    {
        using var target = new TinyModel(classes: 2);
        var path = Checkpoint();
        Assert.Contains(
            "has 5 classes, the data 2",
            Assert
                .Throws<UserErrorException>(() =>
                    ForeignWeights.Load(
                        target,
                        path,
                        new PretrainedOptions(path, OtherClassCount: OtherClassCount.Fail),
                        Context(["cat", "dog"])
                    )
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>OpenMMLab's meta: CLASSES before mmengine, dataset_meta since.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_ClassesInMmLabsMeta_GoByName(bool nested)
    {
        object classes = new object?[] { "a", "b", "c", "d", "e" };
        var meta = nested
            ? new Dictionary<string, object?> { ["dataset_meta"] = new Dictionary<string, object?> { ["classes"] = classes } }
            : new Dictionary<string, object?> { ["CLASSES"] = classes };
        PickleBuilder.Save(
            _folder.At("mm.pth"),
            new Dictionary<string, object?> { ["meta"] = meta, ["state_dict"] = _source.state_dict() }
        );
        using var target = new TinyModel();
        ForeignWeights.Load(target, _folder.At("mm.pth"), new PretrainedOptions(_folder.At("mm.pth")), Context(["c", "b", "a", "d", "e"]));
        AssertRows(target, [2, 1, 0, 3, 4]);
    }

    /// <summary>Numbers by name and names by number, in any order.</summary>
    [Theory]
    [InlineData("class_to_idx", false)]
    [InlineData("label2id", false)]
    [InlineData("id2label", true)]
    [InlineData("idx_to_class", true)]
    public void Load_NumberedClasses_GoByName(string key, bool byNumber)
    {
        var numbered = new (string Name, int Number)[] { ("b", 1), ("a", 0), ("e", 4), ("c", 2), ("d", 3) };
        var classes = numbered.ToDictionary(
            one => byNumber ? $"{one.Number}" : one.Name,
            object? (one) => byNumber ? one.Name : one.Number
        );
        PickleBuilder.Save(
            _folder.At("numbered.pth"),
            new Dictionary<string, object?> { [key] = classes, ["state_dict"] = _source.state_dict() }
        );
        using var target = new TinyModel();
        var path = _folder.At("numbered.pth");
        ForeignWeights.Load(target, path, new PretrainedOptions(path), Context(["c", "b", "a", "d", "e"]));
        AssertRows(target, [2, 1, 0, 3, 4]);
    }

    /// <summary>Where else scripts keep the names.</summary>
    [Theory]
    [InlineData("label_names", null)]
    [InlineData("categories", null)]
    [InlineData("classes", "hyper_parameters")]
    [InlineData("class_names", "config")]
    public void Load_NamesInOtherPlaces_GoByName(string key, string? below)
    {
        object? names = new object?[] { "a", "b", "c", "d", "e" };
        PickleBuilder.Save(
            _folder.At("placed.pth"),
            new Dictionary<string, object?>
            {
                [below ?? key] = below is null ? names : new Dictionary<string, object?> { ["lr"] = 0.1, [key] = names },
                ["state_dict"] = _source.state_dict(),
            }
        );
        using var target = new TinyModel();
        var path = _folder.At("placed.pth");
        ForeignWeights.Load(target, path, new PretrainedOptions(path), Context(["c", "b", "a", "d", "e"]));
        AssertRows(target, [2, 1, 0, 3, 4]);
    }

    [Fact]
    public void Load_ClassesThatAreNoList_AreTold()
    {
        PickleBuilder.Save(
            _folder.At("counted.pth"),
            new Dictionary<string, object?> { ["classes"] = new object?[] { 1, 2 }, ["state_dict"] = _source.state_dict() }
        );
        using var file = WeightsFile.Open(_folder.At("counted.pth"));
        Assert.Null(file.Classes);
        Assert.Equal("\"classes\" (a list of 2) is no list of names and is not read", Assert.Single(file.Notes).Text);
    }

    [Fact]
    public void Load_ValuesThatAreNotFinite_IsAnErrorThatNamesTheTensor()
    {
        var weights = _source.state_dict();
        var (name, tensor) = weights.First(entry => entry.Value.is_floating_point());
        weights[name] = full_like(tensor, double.NaN);
        PickleBuilder.Save(_folder.At("nan.pth"), new Dictionary<string, object?> { ["state_dict"] = weights });
        using var target = new TinyModel();
        var path = _folder.At("nan.pth");
        var error = Assert.Throws<UserErrorException>(() =>
            ForeignWeights.Load(target, path, new PretrainedOptions(path), Context(["a", "b", "c", "d", "e"]))
        );
        Assert.Contains($"{name} holds NaN or infinite values", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Rows of two anchors: each anchor's classes follow each other.</summary>
    [Fact]
    public void Take_Groups_MovesRowsWithinEach()
    {
        var rows = new ClassRows(["a", "b", "c"], ["c", "x", "a"]);
        using var target = zeros(6, 2);
        rows.Add(new("w", 2), target, [6, 2], null);
        using var stored = arange(12).reshape(6, 2).to(ScalarType.Float32);
        using var taken = rows.Take("w", stored, target)!;
        Assert.Equal([4f, 5, 0, 0, 0, 1, 10, 11, 0, 0, 6, 7], taken.data<float>().ToArray());
    }

    /// <summary>3 anchors of 2 classes have as many rows as 2 anchors of 3.</summary>
    [Fact]
    public void Take_OtherAnchors_AreNotTakenForClasses()
    {
        var rows = new ClassRows(null, ["a", "b", "c"]);
        using var target = zeros(6, 2);
        rows.Add(new("w", 2, "r"), target, [6, 2], (8, 12));
        Assert.Null(rows.Take("w", target, target));
        Assert.Equal((2L, 3L), rows.OtherCount);
    }

    private static InitContext Context(string[] classes) => new(new DataInfo(classes, DataTask.Classification));

    private string Checkpoint() =>
        new CheckpointStore(_folder.Path).Save("epoch_1", CheckpointStoreTests.State(_source), CheckpointStoreTests.Info(_source));

    private string Published(string extension) => Publisher.Publish(Checkpoint(), _folder.At("out" + extension)).Path;

    private void AssertRows(TinyModel target, int[] rows, Tensor? before = null)
    {
        var (weight, from) = (target.state_dict()["head.fc.weight"], _source.state_dict()["head.fc.weight"]);
        for (var i = 0; i < rows.Length; i++)
            Assert.True(weight[i].Equals(rows[i] < 0 ? before![i] : from[rows[i]]), $"row {i}");
        for (var i = 0; i < rows.Length; i++)
            if (rows[i] >= 0)
                Assert.Equal(
                    _source.state_dict()["head.fc.bias"][rows[i]].item<float>(),
                    target.state_dict()["head.fc.bias"][i].item<float>()
                );
        Assert.True(target.state_dict()["backbone.conv1.weight"].Equals(_source.state_dict()["backbone.conv1.weight"]));
    }
}
