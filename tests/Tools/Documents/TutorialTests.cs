using System.Text.Json.Nodes;
using Tessera.Datasets.Images;

namespace Tessera.Tests.Tools.Documents;

/// <summary>The pages of docs/tutorials, as a reader follows them: the files of the page, its commands in their order, on drawn shapes.
/// With TESSERA_TEST_FULL=1 on more of them, trained until they are recognised.</summary>
public sealed class TutorialTests
{
    private const int Few = 15;
    private const int Many = 400;

    private static readonly bool s_full = Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") == "1";

    private static readonly Dictionary<string, Tutorial> s_tutorials = new()
    {
        ["classification"] = new(TutorialData.Pets, "accuracy/top1", 0.45),
        ["multi-label"] = new(TutorialData.Kitchen, "mAP", 0.7),
        ["regression"] = new(TutorialData.Discs, "r2", 0.3) { Count = 3 * Many }, // of 400, r2 hung on the processor's rounding
        ["segmentation"] = new(TutorialData.Leaves, "mIoU", 0.35, ["model.decode_head.channels=16", "model.auxiliary_head.channels=16"]),
        ["detection"] = new(TutorialData.Cells, "bbox/AP50", 0.4, ["vars.shorter=64", "vars.longer=64", "model.neck.out_channels=32"]),
    };

    public static TheoryData<string> Names() => [.. s_tutorials.Keys];

    [Fact]
    public void EveryPage_IsRun() =>
        Assert.Equal(
            Directory
                .GetFiles(Path.Combine(Snippets.Repository, "docs", "tutorials"), "*.md")
                .Select(Path.GetFileNameWithoutExtension)
                .Where(name => name != "README")
                .Order(),
            s_tutorials.Keys.Order()
        );

    [Theory]
    [MemberData(nameof(Names))]
    public void Page_OnFilesOfYourOwn_EndsWithPictures(string name)
    {
        var tutorial = s_tutorials[name];
        using var folder = new PageFolder($"docs/tutorials/{name}.md", [.. Changes(name), .. tutorial.Changes]);
        var count = s_full ? tutorial.Count : Few;
        tutorial.Draw(folder, count, SideOf(name));

        var said = folder.Run().Succeeds();

        var measured = count / 5;
        var pictures = folder.Files("pictures", "*.png");
        Assert.True(pictures.Length == measured, $"{pictures.Length} pictures, {measured} expected\n{said.All}");
        Assert.All(pictures, file => Assert.True(ImageCodec.Load(file).Width > 48));
        Assert.True(File.Exists(folder.At("look", "index.html")));
        if (name == "classification")
            Assert.True(ImageCodec.Load(folder.At("confusion.png")).Width > 100);
        if (name == "segmentation")
            Assert.Equal(count, folder.Files("predicted/maps", "*.png").Length);
        else
            Assert.Equal(count, File.ReadAllLines(folder.At("predicted", "predictions.jsonl")).Length);
        if (name is "segmentation" or "detection")
            Assert.Equal(count, folder.Files("predicted/pictures", "*.png").Length);

        var value = (double?)JsonNode.Parse(File.ReadAllText(folder.At("metrics.json")))![tutorial.Metric];
        Assert.True(value is not null, $"metrics.json has no {tutorial.Metric}");
        if (s_full)
            Assert.True(value > tutorial.Enough, $"{tutorial.Metric} is {value}; more than {tutorial.Enough} was expected\n{said.All}");
    }

    private static string[] Changes(string name) =>
        [
            "precision=fp32",
            "threads=1",
            "device=cpu",
            $"train.epochs={(s_full ? name is "detection" or "segmentation" ? 30 : 15 : 1)}",
            $"train.loader.batch_size={(s_full ? 16 : 4)}",
            "train.loader.workers=1",
            "val.loader.workers=1",
            $"model.backbone.base_channels={(s_full ? 24 : 8)}",
            .. name == "detection" ? (string[])[] : [$"vars.size={SideOf(name)}"],
        ];

    private static int SideOf(string name) =>
        name switch
        {
            "detection" => 64,
            "segmentation" when s_full => 96, // the maps have a sixteenth of it
            _ => 48,
        };

    /// <param name="Draw">Makes the files that the page begins with: folder, how many, side in pixels.</param>
    /// <param name="Metric">In metrics.json.</param>
    /// <param name="Enough">What the metric must exceed after a training of some minutes.</param>
    private sealed record Tutorial(Action<PageFolder, int, int> Draw, string Metric, double Enough, string[]? More = null)
    {
        public string[] Changes => More ?? [];

        /// <summary>Files of the training of some minutes.</summary>
        public int Count { get; init; } = Many;
    }
}
