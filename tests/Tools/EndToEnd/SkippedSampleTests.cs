using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Files that can't be read, passed over by option: counted in the log and in metrics.json, and none readable is an
/// error.</summary>
[Collection(InProcess.Name)]
public sealed class SkippedSampleTests : IDisposable
{
    private const string Skip = "{ \"batch_size\": 4, \"workers\": 1, \"on_bad_sample\": \"skip\" }";

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-skipped").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Skipped_CountedWhileTrainingAndInMetrics()
    {
        Files(bad: i => i is 1 or 4);
        var config = Config();
        var said = Tool.Run("train", config, "--work-dir", At("run")).Succeeds();
        var log =
            said.All + string.Concat(Directory.EnumerateFiles(At("run"), "*.log", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.Contains("train: left out: ", log, StringComparison.Ordinal);
        Assert.Contains("train: 4 of 12 samples could not be read so far", log, StringComparison.Ordinal);
        Assert.Contains("The figures cover 8 of 12 images: 4 were left out.", log, StringComparison.Ordinal);
        Assert.Contains("GIF files, which can't be read (.gif): 1", log, StringComparison.Ordinal);

        var tested = Tool.Run("test", config, At("run/epoch_1.safetensors"), "--out", At("m.json")).Succeeds();
        var metrics = JsonNode.Parse(File.ReadAllText(At("m.json")))!;
        Assert.Equal((8, 4), ((int)metrics["images/measured"]!, (int)metrics["images/left_out"]!));
        Assert.Contains("The figures cover 8 of 12 images", tested.All, StringComparison.Ordinal);

        Files(bad: _ => true, "val");
        Tool.Run("test", config, At("run/epoch_1.safetensors"), "--out", At("n.json"))
            .IsMistake("None of the 12 samples could be measured. The first: ");
        Assert.False(File.Exists(At("n.json")));

        Files(bad: _ => false, "val");
        Tool.Run("test", config, At("run/epoch_1.safetensors"), "--out", At("m.json")).Succeeds();
        Assert.Equal(["accuracy/top1"], JsonNode.Parse(File.ReadAllText(At("m.json")))!.AsObject().Select(entry => entry.Key));
    }

    [Fact]
    public void Detector_WithoutABox_DoesNotTrain()
    {
        Directory.CreateDirectory(At("images"));
        File.WriteAllBytes(At("images/a.png"), TinyRun.Png(0));
        File.WriteAllText(
            At("a.json"),
            """{ "images": [{ "id": 1, "file_name": "a.png" }], "annotations": [], "categories": [{ "id": 1, "name": "cat" }] }"""
        );
        var set =
            $$"""{ "type": "CocoDetection", "path": "{{At("images")}}", "annotations": "{{At("a.json")}}", "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize" }] }""";
        File.WriteAllText(At("tiny.json"), TinyRun.Config);
        File.WriteAllText(At("c.json"), $$"""{ "_base_": "tiny.json", "train": { "dataset": { "_delete_": true, {{set[1..]}} } }""");
        Tool.Run("train", At("c.json"), "--work-dir", At("run"))
            .IsMistake("train.dataset: none of its 1 images has a box, so there is nothing to learn");
    }

    private void Files(Func<int, bool> bad, params string[] parts)
    {
        foreach (var part in parts.Length > 0 ? parts : ["train", "val"])
        foreach (var name in (string[])["cat", "dog"])
        {
            Directory.CreateDirectory(At($"d/{part}/{name}"));
            for (var i = 0; i < 6; i++)
                File.WriteAllBytes(At($"d/{part}/{name}/{i}.png"), bad(i) ? "no image"u8.ToArray() : TinyRun.Png(i));
        }
        if (parts.Length == 0)
            File.WriteAllText(At("d/train/cat/x.gif"), "GIF89a");
    }

    private string Config()
    {
        File.WriteAllText(At("tiny.json"), TinyRun.Config);
        var path = At("c.json");
        File.WriteAllText(
            path,
            $$"""
            { "_base_": "tiny.json",
              "train": { "epochs": 1, "loader": {{Skip}}, "dataset": { "_delete_": true, "type": "ImageFolder", "path": "{{At(
                "d"
            )}}", "split": "train", "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize" }] } },
              "val": { "loader": {{Skip}}, "dataset": { "_delete_": true, "type": "ImageFolder", "path": "{{At(
                "d"
            )}}", "split": "val", "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize" }] } },
              "test": null }
            """
        );
        return path;
    }

    private string At(string name) => Path.Combine(_folder, name);
}
