namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Faults of classes and labels that would let a run begin, and its figures mean nothing.</summary>
[Collection(InProcess.Name)]
public sealed class DataFaultTests : IDisposable
{
    private readonly JudgedFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Classes_ThatDifferInCaseOrBlanksOnly_AreNotJoined()
    {
        var config = _files.Classification(["Red", "sky blue", "tan"], ["red", "skyblue", "tan"]);
        var said = _files
            .Train(config)
            .IsMistake(
                "val.dataset: its classes are others than those of train.dataset (3 and 3)",
                "They differ only in upper and lower case or in blanks: \"Red\" and \"red\", \"sky blue\" and \"skyblue\" (train.dataset's first)."
            );
        Assert.DoesNotContain("\"classes\":", said.All, StringComparison.Ordinal);
        Refused(config, "They differ only in upper and lower case or in blanks: \"Red\" and \"red\"");
    }

    [Fact]
    public void Classes_OfWhichNoneIsCommon_AreNotJoined()
    {
        var config = _files.Classification(["a", "b"], ["x", "y"]);
        var said = _files.Train(config).IsMistake("Not one class is common to both, so that nothing of what is learned would be measured");
        Assert.DoesNotContain("\"classes\":", said.All, StringComparison.Ordinal);
        const string Names = ".dataset.classes=[\"a\", \"b\", \"x\", \"y\"]";
        Refused(
            config,
            "val.dataset: none of its classes has a sample in train.dataset, so that nothing of what is learned is measured. Its samples "
                + "are of x, y, those of train.dataset of a, b.",
            "train" + Names,
            "val" + Names
        );
    }

    [Fact]
    public void Classifier_OfOneClass_IsRefused()
    {
        var config = _files.Classification(["cat"], ["cat"]);
        Refused(config, "train.dataset: its one class, \"cat\", leaves ImageClassifier nothing to tell apart");
    }

    [Fact]
    public void ClassFolder_WithoutAnyFile_IsRefused()
    {
        var config = _files.Classification(["cat", "dog"], ["cat", "dog"]);
        Directory.CreateDirectory(_files.At("folders", "train", "fox", "empty"));
        Refused(config, "folders/train/fox holds no images");
        const string Names = ".dataset.classes=[\"cat\", \"dog\", \"fox\"]";
        _files.Train(config, "train" + Names, "val" + Names).Succeeds();
    }

    [Fact]
    public void Masks_Of0And255_AreRefused_WhateverTheNumberOfClasses() =>
        Refused(
            _files.Segmentation((_, y, _) => y < 10 ? (byte)255 : (byte)0, "\"classes\": [\"background\", \"crack\", \"hole\"]"),
            "every pixel is \"background\" or ignored, of 3 classes; 2,560 pixels are 255"
        );

    [Theory]
    [InlineData("label", "cat,dog,Cat,dog", "class names differ only in upper and lower case or in blanks: \"Cat\" and \"cat\".")]
    [InlineData("label", "cat,dog,nan,dog", "a class is named \"nan\", which programs write where a value is missing")]
    [InlineData("label", "cat,dog,cat,NULL", "a class is named \"NULL\", which programs write where a value is missing")]
    [InlineData(
        "label",
        "cat,dog,cat,dog,cat,cat",
        "listed more than once, with different labels: folders/train/x/1.png is \"dog\" and \"cat\"."
    )]
    [InlineData("labels", "cat,\"cat,dog\",cat,", "hold several labels: \"cat,dog\". \"separator\": \",\" splits them; now \";\" does.")]
    [InlineData("labels", "cat,cat dog,cat dog owl,", "hold several labels: \"cat dog\". \"separator\": \" \" splits them")]
    public void Labels_ThatAreOdd_AreTold(string column, string labels, string expected)
    {
        var said = Doctor(column, labels);
        Assert.Contains(expected, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("label", "cat,dog,cat,dog,cat,dog")] // the same image twice, alike
    [InlineData("labels", "dog,hot dog,teddy bear,dog;bear")]
    public void Labels_AsTheyShouldBe_AreNotDoubted(string column, string labels) =>
        Assert.DoesNotMatch("train.dataset: (class name|a class|.*list.csv)", Doctor(column, labels));

    /// <param name="labels">Of the images in turn, of which there are four.</param>
    private string Doctor(string column, string labels)
    {
        var config = _files.Classification(["x"], ["x"]);
        var rows = System
            .Text.RegularExpressions.Regex.Split(labels, ",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")
            .Select((label, i) => $"folders/train/x/{i % 4}.png,{label}");
        _files.Write("list.csv", $"image,{column}\n{string.Join('\n', rows)}\n");
        var dataset =
            $"{{\"_delete_\": true, \"type\": \"ImageList\", \"path\": \"{_files.At("list.csv")}\", \"pipeline\": [{{\"type\": "
            + "\"LoadImage\"}, {\"type\": \"Normalize\"}]}";
        return Flat(_files.Doctor(config, $"train.dataset={dataset}", "val=null").Output);
    }

    private void Refused(string config, string said, params string[] changes)
    {
        _files.Train(config, changes).IsMistake(said);
        var doctor = _files.Doctor(config, changes);
        Assert.Equal(1, doctor.Code);
        Assert.DoesNotContain("defect", doctor.All, StringComparison.Ordinal);
        Assert.Contains(said, Flat(doctor.Output), StringComparison.Ordinal);
    }

    // Doctor breaks and indents lines.
    private static string Flat(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
