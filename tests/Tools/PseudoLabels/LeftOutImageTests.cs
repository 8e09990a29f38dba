using System.Text.Json.Nodes;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Data;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.PseudoLabels;

/// <summary>Images that tell a classifier nothing: of a class whose row of the last layer is 0 no score changes with any place.</summary>
[Collection(InProcess.Name)]
public sealed class LeftOutImageTests(PseudoLabelTests.Classifier classifier) : IClassFixture<PseudoLabelTests.Classifier>
{
    private const int Star = 1;

    private readonly Shapes _data = new(
        new ShapesOptions(Count: 7, Size: 32, Task: DataTask.MultiLabel, MaxShapes: 2, Classes: ["circle", "star", "cross"])
    );

    private bool ShowsStar(int index) => _data.Get(index).Truth.MultiLabel![Star] == 1;

    [Fact]
    public void ASource_ThatSomeImagesDefeat_LeavesThemOutByNameAndCount_AndDoesTheOthers()
    {
        var checkpoint = Blind("star", Star);
        var folder = classifier.New();
        var said = Make(checkpoint, folder).Succeeds();
        var stars = Enumerable.Range(0, 7).Where(ShowsStar).ToArray();
        Assert.InRange(stars.Length, 1, 6);
        foreach (var i in Enumerable.Range(0, 7))
        {
            Assert.Equal(!stars.Contains(i), File.Exists(Path.Combine(folder, "masks", $"{i:D6}.png")));
            if (stars.Contains(i))
                Assert.Contains($"left out: shapes/train/{i:D6}: The score of star does not change", said.Error, StringComparison.Ordinal);
        }
        Assert.Contains($"{stars.Length} of 7 images left out: they have no label image.", said.Error, StringComparison.Ordinal);
        Assert.Contains($"{7 - stars.Length} label images in", said.Output, StringComparison.Ordinal);
        var result = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "pseudo-labels.json")))!["result"]!;
        Assert.Equal((7 - stars.Length, stars.Length), ((int)result["labelled"]!, (int)result["left_out"]!));
        // A search for the threshold goes over the others as well.
        Make(checkpoint, classifier.New(), "--background", "search", "--flip").Succeeds();
    }

    [Fact]
    public void ASource_ThatEveryImageDefeats_IsAMistake() =>
        Make(Blind("all", 0, 1, 2), classifier.New())
            .IsMistake("None of the 7 images can be labelled. The first: ", "all gradients are zero");

    [Fact]
    public void AClass_WhoseMapIsTheSameEverywhere_IsSaid_AndHasNoPixel()
    {
        // Its direction is opposite to all features, which are not negative: the map is cut off at 0 everywhere.
        var checkpoint = classifier.New() + ".safetensors";
        EditedCheckpoint.Write(classifier.Checkpoint, checkpoint, all => all["model.head.fc.weight"][Star].fill_(-1));
        var folder = classifier.New();
        var said = Make(checkpoint, folder, "--source", "patch_similarity").Succeeds();
        var stars = Enumerable.Range(0, 7).Where(ShowsStar).ToArray();
        Assert.Contains($"{stars.Length} maps of a class are the same everywhere", said.Error, StringComparison.Ordinal);
        Assert.Contains($"shapes/train/{stars[0]:D6} (star)", said.Error, StringComparison.Ordinal);
        Assert.Contains("7 label images in", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolder_IsNoCheckpoint() =>
        Make(classifier.Folder, classifier.New()).IsMistake("this is a folder; a checkpoint in it was expected");

    [Fact]
    public void Explain_ShowsThatSuchAMapSaysNothing_AndMeasuresTheOthers()
    {
        var checkpoint = Blind("explained", Star);
        foreach (var batch in new[] { "1", "8" })
        {
            var folder = classifier.New();
            string[] options = ["--target", "circle,star", "--batch", batch, "--faithfulness", "--out-dir", folder];
            var said = Tool.Run(["explain", checkpoint, "test", .. options]).Succeeds();
            Assert.Equal(4, said.Error.Split("The map is the same everywhere (0)").Length - 1);
            Assert.Contains("Faithfulness, 8 images", said.Output, StringComparison.Ordinal); // four of each class
            var lines = File.ReadAllLines(Path.Combine(folder, "explanations.jsonl")).Select(line => JsonNode.Parse(line)!).ToArray();
            Assert.Equal(8, lines.Length);
            Assert.All(lines, line => Assert.Equal((string?)line["target"] == "star", (string?)line["verdict"] == "constant"));
        }
    }

    [Fact]
    public void Explain_WhereNoLayerIsFound_NamesAndCountsTheImages()
    {
        var checkpoint = Blind("first", Star);
        var said = Tool.Run("explain", checkpoint, "test", "--target", "star", "--out-dir", classifier.New());
        said.IsMistake(
            "None of its 4 images can be explained. The first: ",
            "The score of star does not change with any place of the image"
        );
        // With one image at once the first row is the star's, and no layer is known yet.
        said = Tool.Run("explain", checkpoint, "test", "--target", "star,circle", "--batch", "1", "--out-dir", classifier.New()).Succeeds();
        Assert.Contains("1 of 4 images left out, or in part.", said.Error, StringComparison.Ordinal);
    }

    private string Blind(string name, params int[] classes) =>
        EditedCheckpoint.Write(
            classifier.Checkpoint,
            classifier.At(name + ".safetensors"),
            all =>
            {
                foreach (var index in classes)
                    all["model.head.fc.weight"][index].zero_();
            }
        );

    private Said Make(string checkpoint, string folder, params string[] arguments) =>
        Tool.Run(["pseudo-labels", classifier.ConfigPath, checkpoint, "--out-dir", folder, .. arguments]);
}
