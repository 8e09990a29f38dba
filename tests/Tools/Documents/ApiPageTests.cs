using System.Text.RegularExpressions;
using Tessera.Datasets.Images;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Documents;

/// <summary>The programs of docs/api.md, on a checkpoint of every task.</summary>
[Collection(InProcess.Name)]
public sealed class ApiPageTests(TinyRun classifier, TinyDetector detector) : IClassFixture<TinyRun>, IClassFixture<TinyDetector>
{
    private const string Other = """
        {
          "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": MODEL,
          "train": {
            "loop": "iterations", "iterations": 2, "validate_every": 0, "loader": { "batch_size": 4, "workers": 0 },
            "dataset": { "type": "Shapes", "task": "TASK", "count": 8, "size": 32, "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }
          },
          "optimizer": { "type": "Sgd", "lr": 0.01 }, "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 2 } }
        }
        """;

    private const string Backbone =
        """{ "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] }""";

    [Fact]
    public void Program_TellsWhatEveryKindOfModelFinds()
    {
        Assert.Matches("photo.png: [a-z]+ 0\\.\\d\\d", Predict(classifier.Checkpoint));

        Predict(detector.Checkpoint);
        Assert.Single(Pictures());

        var regressor = Train(
            "regression",
            $$"""{ "type": "ImageRegressor", "backbone": {{Backbone}}, "head": { "type": "RegressionHead" } }"""
        );
        Assert.Matches("photo.png: \\w+ -?[\\d.]+", Predict(regressor));

        var segmentor = Train(
            "segmentation",
            $$"""{ "type": "Segmentor", "backbone": {{Backbone}}, "decode_head": { "type": "FcnHead", "channels": 8 } }"""
        );
        Assert.Matches("photo.png: [a-z]+", Predict(segmentor));
        Assert.True(ImageCodec.Load(Assert.Single(Pictures())).Width >= 32);
    }

    [Fact]
    public void Program_OnAMistake_ShowsItsMessage() =>
        Run(classifier.At("nothing.safetensors"), classifier.At("photo.png")).IsMistake("nothing.safetensors");

    [Fact]
    public void EveryOtherProgram_Compiles() =>
        Assert.All(Sources().Where(source => source.FileName is null), source => Compiled.Load([source.Text], [], program: true));

    [Fact]
    public void ProjectFile_NamesTheVersionsThatTesseraIsBuiltWith()
    {
        var versions = File.ReadAllText(Path.Combine(Snippets.Repository, "Directory.Packages.props"));
        var project = Snippets.Of("docs/api.md").Single(snippet => snippet.FileName == "MyApp.csproj").Text;
        var packages = Regex.Matches(project, "PackageReference (Include=\"([^\"]+)\" Version=\"[^\"]+\")");
        Assert.Equal("Tessera", packages[0].Groups[2].Value);
        Assert.All(
            packages.Skip(1),
            package => Assert.Contains($"PackageVersion {package.Groups[1].Value}", versions, StringComparison.Ordinal)
        );
    }

    private string[] Pictures() => Directory.GetFiles(classifier.Folder, "photo.png.*.png");

    private static Snippet[] Sources() => [.. Snippets.Of("docs/api.md").Where(snippet => snippet.Language == "csharp")];

    private string Predict(string checkpoint)
    {
        foreach (var old in Pictures())
            File.Delete(old);
        File.WriteAllBytes(classifier.At("photo.png"), TinyRun.Png(0));
        return Run(checkpoint, classifier.At("photo.png")).Succeeds().Output;
    }

    private static Said Run(params string[] arguments)
    {
        var program = Compiled.Load([Sources().Single(source => source.FileName == "Program.cs").Text], [], program: true).EntryPoint!;
        return Tool.Capture(() => (int)program.Invoke(null, [arguments])!);
    }

    private string Train(string task, string model)
    {
        var folder = classifier.New();
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, Other.Replace("MODEL", model, StringComparison.Ordinal).Replace("TASK", task, StringComparison.Ordinal));
        Tool.Run("train", config, "--work-dir", Path.Combine(folder, "run")).Succeeds();
        return Path.Combine(folder, "run", "iter_2.safetensors");
    }
}
