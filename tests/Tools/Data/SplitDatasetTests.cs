using System.Text.Json.Nodes;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Data;

/// <summary>tools/split-dataset, and trainings by its lists.</summary>
[Collection(InProcess.Name)]
public sealed class SplitDatasetTests : IDisposable
{
    private const string Pipeline =
        "\"pipeline\": [ { \"type\": \"LoadImage\" }, { \"type\": \"Resize\", \"size\": [32, 32] }, { \"type\": \"Normalize\" } ]";

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-split").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // 10 cats: 8 and 2; 5 dogs: 4 and 1; 1 bird, which is trained on.
    [Fact]
    public void FolderOfImages_Parts_AreTrainedOn()
    {
        ClassFolders();
        var said = Tool.Run("split-dataset", At("photos"), "--out-dir", At("lists")).Succeeds();
        Assert.Equal(
            ["train val all", "bird 1 0 1", "cat 8 2 10", "dog 4 1 5", "samples 13 (81.3 %) 3 (18.8 %) 16"],
            Squeezed(said.Output).Take(5)
        );
        Assert.Contains("bird: 1 sample, none in val (too few samples for 2 parts).", said.Error, StringComparison.Ordinal);
        var (train, val) = (Lines("lists/train.txt"), Lines("lists/val.txt"));
        Assert.Equal((13, 3), (train.Length, val.Length));
        Assert.Equal(16, train.Union(val).Count());
        Assert.Contains("bird/0.png", train);
        Assert.All(train.Concat(val), name => Assert.True(File.Exists(At("photos", name)), name));

        // What it says to write into the config.
        var advice = said.Output.Split('\n').Where(line => line.StartsWith("  \"", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, advice.Length);
        var datasets = Array.ConvertAll(advice, line => JsonNode.Parse($"{{{line}}}")!.AsObject().Single().Value!["dataset"]!.AsObject());
        var config = JsonNode.Parse(TinyRun.Config)!.AsObject();
        config["test"] = null;
        config["train"]!["epochs"] = 1;
        config["train"]!["loader"]!["batch_size"] = 6;
        for (var i = 0; i < 2; i++)
        {
            datasets[i]["pipeline"] = JsonNode.Parse($"{{{Pipeline}}}")!["pipeline"]!.DeepClone();
            config[i == 0 ? "train" : "val"]!["dataset"] = datasets[i].DeepClone();
        }
        File.WriteAllText(At("config.json"), config.ToJsonString());
        var trained = Tool.Run("train", At("config.json"), "--work-dir", At("run")).Succeeds();
        Assert.Contains("Done: 3 iterations", trained.All, StringComparison.Ordinal);
        Tool.Run("train", At("config.json"), "--work-dir", At("bad"), "--cfg-options", "val.dataset.list=vall.txt")
            .IsMistake("There is no list vall.txt");
    }

    [Fact]
    public void Config_WithoutFiles_FoldsAreListsOfNumbers_AndSubsetReadsThem()
    {
        File.WriteAllText(At("tiny.json"), TinyRun.Config);
        var said = Tool.Run("split-dataset", At("tiny.json"), "--folds", "4", "--out-dir", At("folds"), "--seed", "1").Succeeds();
        Assert.Contains("fold-0 fold-1 fold-2 fold-3 all", Squeezed(said.Output));
        Assert.Contains("\"type\": \"Subset\"", said.Output.Replace("\":\"", "\": \"", StringComparison.Ordinal), StringComparison.Ordinal);
        var held = Enumerable.Range(0, 4).SelectMany(fold => Lines($"folds/fold-{fold}_val.txt")).ToArray();
        Assert.Equal(Enumerable.Range(0, 64).Select(i => $"{i}"), held.OrderBy(int.Parse));
        Assert.Equal(Enumerable.Range(0, 64).Select(i => $"{i}").Except(Lines("folds/fold-2_val.txt")), Lines("folds/fold-2_train.txt"));
        var inner = "{ \"type\": \"Shapes\", \"count\": 64, \"size\": 32 }";
        var trained = Tool.Run(
                "train",
                At("tiny.json"),
                "--work-dir",
                At("run"),
                "--cfg-options",
                "train.epochs=1",
                Subset("train", "fold-0_train"),
                Subset("val", "fold-0_val")
            )
            .Succeeds();
        Assert.Contains("Done: 3 iterations", trained.All, StringComparison.Ordinal); // 48 samples in batches of 16
        string Subset(string part, string list) =>
            $"{part}.dataset={{ \"_delete_\": true, \"type\": \"Subset\", \"list\": \"{At("folds", list + ".txt")}\", "
            + $"\"dataset\": {inner}, {Pipeline} }}";
    }

    [Fact]
    public void VocFilesInOneFolder_AndCoco_AreSplit_AndReadBack()
    {
        for (var i = 0; i < 8; i++)
        {
            Write($"flat/{i}.png", TinyRun.Png(i));
            Write(
                $"flat/{i}.xml",
                System.Text.Encoding.UTF8.GetBytes(
                    $"<annotation><object><name>{(i % 4 == 0 ? "dog" : "cat")}</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
                        + "<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
                )
            );
        }
        Tool.Run("split-dataset", At("flat"), "--parts", "train=50,val=50", "--out-dir", At("voc")).Succeeds();
        foreach (var part in (string[])["train", "val"])
        {
            var data = new VocDetection(new(At("flat"), null, ImageFolder: "", AnnotationFolder: "") { List = At("voc", part + ".txt") });
            Assert.Equal((4, 1), (data.Count, Enumerable.Range(0, 4).Count(i => data.LabelsOf(i)!.Contains(1))));
        }

        Tool.Run("convert-dataset", At("flat"), At("flat/all.json"), "--from", "images", "--classes", "cat").Succeeds();
        var coco = JsonNode.Parse(File.ReadAllText(At("flat/all.json")))!;
        Assert.Equal(8, coco["images"]!.AsArray().Count);
        Tool.Run("split-dataset", At("flat/all.json"), "--folds", "2", "--out-dir", At("coco")).Succeeds();
        Assert.Equal(8, Lines("coco/fold-0_val.txt").Union(Lines("coco/fold-1_val.txt")).Count());
        var read = new CocoDetection(new(At("flat"), At("flat/all.json")) { List = At("coco/fold-1_val.txt") });
        Assert.Equal(4, read.Count);
    }

    [Fact]
    public void Groups_StayTogether()
    {
        for (var i = 0; i < 24; i++)
            Write($"scans/{(i % 2 == 0 ? "ill" : "well")}/p{i / 4}_{i}.png", TinyRun.Png(i));
        Write("scans/ill/p9_90.png", TinyRun.Png(3)); // the picture of p0_3
        File.WriteAllLines(
            At("patients.csv"),
            ["image,patient", .. Enumerable.Range(0, 24).Select(i => $"p{i / 4}_{i}.png,{i / 8}"), "p9_90.png,"]
        );
        Assert.Equal(7, Parts("--group", "name=/(p[0-9]+)_"));
        Assert.Equal(4, Parts("--group", $"table={At("patients.csv")}:patient"));
        Assert.Equal(24, Parts("--group", "duplicates"));
        Assert.Equal(6, Parts("--group", "duplicates", "name=/(p[0-9]+)_"));

        int Parts(params string[] rules)
        {
            string[] arguments = ["split-dataset", At("scans"), "--folds", "2", "--out-dir", At("lists"), "--overwrite"];
            var said = Tool.Run([.. arguments, .. rules]).Succeeds().Output;
            var fold = Lines("lists/fold-0_val.txt").Concat(Lines("lists/fold-1_train.txt")).Distinct().ToArray();
            Assert.Equal(fold.Order(), Lines("lists/fold-0_val.txt").Order());
            if (rules.Contains("duplicates"))
                Assert.Equal(fold.Contains("well/p0_3.png"), fold.Contains("ill/p9_90.png"));
            if (Array.Exists(rules, rule => rule.StartsWith("name=", StringComparison.Ordinal)))
                for (var patient = 0; patient < 6; patient++)
                    Assert.Contains(fold.Count(name => name.Contains($"/p{patient}_", StringComparison.Ordinal)), (int[])[0, 4]);
            var line = Assert.Single(said.Split('\n'), text => text.Contains(" of 25 samples, none parted.", StringComparison.Ordinal));
            return int.Parse(line.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public void Balance_SpreadsTheFoldersBelowAClass()
    {
        for (var i = 0; i < 16; i++)
            Write($"pets/cat/{(i < 4 ? "siamese" : "tabby")}/{i}.png", TinyRun.Png(i));
        for (var i = 16; i < 20; i++)
            Write($"pets/dog/{i}.png", TinyRun.Png(i));
        var said = Tool.Run("split-dataset", At("pets"), "--parts", "train=0.75,val=0.25", "--balance", "folder", "--out-dir", At("lists"))
            .Succeeds()
            .Output;
        Assert.Contains("cat, cat/siamese 3 1 4", Squeezed(said));
        Assert.Single(Lines("lists/val.txt"), name => name.Contains("siamese", StringComparison.Ordinal));
    }

    [Fact]
    public void Mistakes()
    {
        ClassFolders();
        Tool.Run("split-dataset", At("photos"), "--out-dir", At("lists")).Succeeds();
        Tool.Run("split-dataset", At("photos"), "--out-dir", At("lists")).Succeeds(); // the same again changes nothing
        Tool.Run("split-dataset", At("photos"), "--out-dir", At("lists"), "--seed", "5")
            .IsMistake("train.txt is there already and lists other images", "--overwrite");
        Tool.Run("split-dataset", At("photos"), "--parts", "train=0.8,val=0.2", "--folds", "3").IsMistake("only one of the two");
        Tool.Run("split-dataset", At("photos"), "--parts", "train:0.8").IsMistake("\"train:0.8\" is no part");
        Tool.Run("split-dataset", At("photos"), "--parts", "../train=0.8,val=0.2").IsMistake("can't be a list's name");
        Tool.Run("split-dataset", At("photos"), "--parts", "train=0.8,val=0.1").IsMistake("add up to 0.9; 1 was expected");
        Tool.Run("split-dataset", At("photos"), "--folds", "1").IsMistake("at least 2 were expected");
        Tool.Run("split-dataset", At("photos"), "--folds", "17").IsMistake("16 samples can't be split into 17 parts");
        Tool.Run("split-dataset", At("photos"), "--group", "foldr").IsMistake("Did you mean \"folder\"?");
        Tool.Run("split-dataset", At("photos"), "--group", "name=(").IsMistake("not a regular expression");
        Tool.Run("split-dataset", At("photos"), "--group", "name=xyz").IsMistake("is found in no name; the first is");
        Tool.Run("split-dataset", At("photos"), "--group", "table=none.csv:a").IsMistake("none.csv doesn't exist");
        File.WriteAllText(At("t.csv"), "image,scene\ncat/0.png,1\n");
        Tool.Run("split-dataset", At("photos"), "--group", $"table={At("t.csv")}:scen").IsMistake("t.csv:1", "Did you mean \"scene\"?");
        Tool.Run("split-dataset", At("photos"), "--group", $"table={At("t.csv")}:scene").IsMistake("15 images of 16 have no row");
        Tool.Run("split-dataset", At("photos"), "--balance", "size").IsMistake("the data is for classification");
        Tool.Run("split-dataset", At("nothing")).IsMistake("nothing doesn't exist");
        Tool.Run("split-dataset", At("photos"), "--part", "val").IsMistake("has no parts");
        Directory.Move(At("photos"), At("train"));
        Tool.Run("split-dataset", _folder).IsMistake("split already");
        Tool.Run("split-dataset", At("train/cat")).IsMistake("nothing that says what they show");
    }

    private void ClassFolders()
    {
        foreach (var (name, count) in (ReadOnlySpan<(string, int)>)[("cat", 10), ("dog", 5), ("bird", 1)])
            for (var i = 0; i < count; i++)
                Write($"photos/{name}/{i}.png", TinyRun.Png(i));
    }

    /// <summary>Lines without their columns' blanks.</summary>
    private static string[] Squeezed(string text) =>
        [
            .. text.Split('\n')
                .Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
                .Where(line => line.Length > 0),
        ];

    private string[] Lines(string name) => File.ReadAllLines(At(name));

    private string At(params string[] parts) => Path.Combine([_folder, .. parts]);

    private void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), bytes);
    }
}
