using Tessera.Framework.Checkpoints;
using Tessera.Tests.Tools.EndToEnd;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Explaining;

/// <summary>Files that are no checkpoint, or one of another kind, given to the tools that look into a network.</summary>
[Collection(InProcess.Name)]
public sealed class WrongCheckpointTests(PseudoLabelTests.Classifier classifier, TinyDetector detector)
    : IClassFixture<PseudoLabelTests.Classifier>,
        IClassFixture<TinyDetector>
{
    [Theory]
    [InlineData("explain", "no checkpoint of a Tessera run")]
    [InlineData("attention", "no checkpoint of a Tessera run")]
    [InlineData("pseudo-labels", "Nothing in the file fits ImageClassifier")]
    public void Tensors_OfSomethingElse(string tool, string says)
    {
        using var scope = NewDisposeScope();
        foreach (var name in new[] { "a.weight", "optimizers.optimizer.head.fc.weight.exp_avg" })
        {
            var path = classifier.New() + ".safetensors";
            TensorFile.Write(path, new Dictionary<string, Tensor> { [name] = ones(3, 4) });
            Run(tool, path).IsMistake(Path.GetFileName(path), says);
        }
    }

    [Theory]
    [InlineData("explain", "no checkpoint of a Tessera run")]
    [InlineData("attention", "no checkpoint of a Tessera run")]
    [InlineData("pseudo-labels", "This is no file of weights")]
    public void Text(string tool, string says)
    {
        var path = classifier.New() + ".safetensors";
        File.WriteAllText(path, "hello");
        Run(tool, path).IsMistake(Path.GetFileName(path), says);
    }

    [Theory]
    [InlineData("explain", "This is a folder.")]
    [InlineData("attention", "This is a folder.")]
    [InlineData("pseudo-labels", "this is a folder; a checkpoint in it was expected")]
    public void Folders(string tool, string says) => Run(tool, classifier.Folder).IsMistake(says);

    [Fact]
    public void ADetector_WhereAClassifierIsNeeded()
    {
        Run("pseudo-labels", detector.Checkpoint).IsMistake("it holds a model for detection; pseudo labels are made from a classifier");
        string[] measured = ["explain", detector.Checkpoint, Picture(), "--faithfulness", "--out-dir", classifier.New()];
        Tool.Run(measured).IsMistake("Detector for detection: faithfulness is measured by the probability of a class");
    }

    [Fact]
    public void AFolderWithoutImages()
    {
        var empty = Directory.CreateDirectory(classifier.New()).FullName;
        Tool.Run("explain", classifier.Checkpoint, empty).IsMistake("the folder has no images");
        Tool.Run("attention", classifier.Checkpoint, empty).IsMistake("this is a folder; attention is shown of one image");
        Tool.Run("score-masks", classifier.ConfigPath, empty).IsMistake("holds no pseudo-labels.json");
    }

    [Fact]
    public void ADetector_ThatFindsSomeOfTheLabels_NamesTheOthers()
    {
        // Six images of test, each with labels of up to three classes; the detector gives its best 20 boxes of any class.
        var folder = classifier.New();
        var said = Tool.Run("explain", detector.Checkpoint, "test", "--target", "labels", "--out-dir", folder);
        Assert.True(said.Code is 0 or 1, said.All);
        using var session = Session.Open(detector.At("config.json"));
        var data = session.Data[DataPart.Test];
        var lines = File.Exists(Path.Combine(folder, "explanations.jsonl"))
            ? File.ReadAllText(Path.Combine(folder, "explanations.jsonl"))
            : "";
        for (var i = 0; i < data.Count; i++)
            foreach (var label in data.LabelsOf(i)!)
            {
                var (image, name) = (data.Get(i).Name, data.Info.Classes[label]);
                var isExplained = lines
                    .Split('\n')
                    .Any(line => line.Contains(image, StringComparison.Ordinal) && line.Contains($"\"{name} ", StringComparison.Ordinal));
                var isNamed = said
                    .Error.Split('\n')
                    .Any(line =>
                        line.Contains($"{image}:", StringComparison.Ordinal)
                        && line.Contains("finds no", StringComparison.Ordinal)
                        && line.Contains(name, StringComparison.Ordinal)
                    );
                Assert.True(isExplained != isNamed, $"{image} {name}\n{said.All}");
            }
    }

    private Said Run(string tool, string checkpoint) =>
        tool == "pseudo-labels"
            ? Tool.Run(tool, classifier.ConfigPath, checkpoint, "--out-dir", classifier.New())
            : Tool.Run(tool, checkpoint, Picture(), "--out-dir", classifier.New());

    private string Picture()
    {
        var path = classifier.New() + ".png";
        File.WriteAllBytes(path, TinyRun.Png(1));
        return path;
    }
}
