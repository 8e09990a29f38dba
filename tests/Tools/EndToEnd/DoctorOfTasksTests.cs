using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Doctor, for tasks and models beside those of <see cref="BeforeTheRunTests"/>: whatever is wrong with the data or doesn't fit,
/// it says so and ends; and what it finds nothing wrong with can be trained.</summary>
[Collection(InProcess.Name)]
public sealed class DoctorOfTasksTests : IDisposable
{
    private readonly JudgedFiles _files = new();

    public void Dispose() => _files.Dispose();

    private static readonly Dictionary<string, Func<JudgedFiles, string>> s_configs = new()
    {
        ["panoptic"] = files => files.Panoptic(),
        ["instances"] = files => files.Instances(JudgedTasks.Eomt),
        ["detr"] = files => files.Instances(JudgedTasks.Detr, masks: false),
        ["rtdetr"] = files => files.Instances(JudgedTasks.RtDetr, masks: false),
        ["mask_rcnn"] = files => files.Instances(JudgedTasks.TwoStage),
        ["gan"] = files => files.Generation(JudgedTasks.Gan),
        ["diffusion"] = files => files.Generation(JudgedTasks.Diffusion),
    };

    // In place of "@" stands a path of the test's own folder.
    private static readonly string[][] s_changes =
    [
        ["train.dataset.pipeline=[]"],
        ["val.dataset.pipeline=[]"],
        ["train.dataset.pipeline=[{\"type\": \"LoadImage\"}]"],
        ["train.dataset.path=@/nowhere"],
        ["train.loader.batch_size=1"],
        ["train.loader.batch_size=100", "train.loader.drop_last=true"],
        ["model.backbone.in_channels=5"],
        ["model.num_queries=1"],
        ["val.metrics={\"iou\": {\"type\": \"MeanIoU\"}}"],
        ["val.metrics={\"accuracy\": {\"type\": \"Accuracy\"}}"],
        ["val.metrics={\"pq\": {\"type\": \"PanopticQuality\"}}"],
        ["optimizer={\"_delete_\": true, \"type\": \"Sgd\", \"lr\": 1e30}"],
        ["optimizer=null"],
        ["train=null"],
        ["val=null"],
        // data for another model
        [
            "train.dataset={\"_delete_\": true, \"type\": \"ImageFolder\", \"path\": \"@/folders\", \"split\": \"train\", \"pipeline\": [{\"type\": \"LoadImage\"}]}",
        ],
        [
            "train.dataset={\"_delete_\": true, \"type\": \"CocoDetection\", \"path\": \"@/images\", \"annotations\": \"@/boxes.json\", \"pipeline\": [{\"type\": \"LoadImage\"}]}",
        ],
        [
            "train.dataset={\"_delete_\": true, \"type\": \"CocoPanoptic\", \"path\": \"@/images\", \"annotations\": \"@/boxes.json\", \"maps\": \"@/images\", \"pipeline\": [{\"type\": \"LoadImage\"}]}",
        ],
    ];

    public static TheoryData<string> Kinds => [.. s_configs.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Config_ThatIsWrong_NeverEndsInAnException(string kind)
    {
        _files.Detection(box => JudgedFiles.Json(box));
        _files.Classification(["a", "b"], ["a", "b"]);
        var config = s_configs[kind](_files);
        Ends(_files.Doctor(config), "as it is", 0);
        foreach (var changes in s_changes)
            Ends(
                _files.Doctor(config, [.. changes.Select(change => change.Replace("@", _files.Folder, StringComparison.Ordinal))]),
                changes[0]
            );
    }

    [Theory]
    [InlineData("detr")]
    [InlineData("mask_rcnn")]
    [InlineData("instances")]
    public void Annotations_ThatAreWrong_NeverEndInAnException(string kind)
    {
        var config = s_configs[kind](_files);
        var good = File.ReadAllText(_files.At("masks.json"));
        foreach (
            var (key, values) in new Dictionary<string, string[]>
            {
                ["bbox"] = ["null", "[]", "[1, 2, 3]", "[0, 0, 0, 0]", "[1e300, 0, 5, 5]", "[-90, -90, 5, 5]", "[\"a\", 0, 1, 1]", "5"],
                ["segmentation"] =
                [
                    "null",
                    "5",
                    "[[1, 2, 3]]",
                    "[[60, 60, 63, 60, 63, 63]]",
                    "{ \"size\": [64, 64], \"counts\": [4096] }",
                    "{ \"size\": [9, 9], \"counts\": \"x\" }",
                ],
                ["category_id"] = ["77", "null", "\"a\""],
                ["image_id"] = ["77", "null"],
                ["iscrowd"] = ["1", "7", "null"],
            }
        )
        foreach (var value in values)
        foreach (var all in new[] { false, true })
        {
            var json = JsonNode.Parse(good)!;
            foreach (var annotation in json["annotations"]!.AsArray().Take(all ? 6 : 1))
                annotation![key] = JsonNode.Parse(value);
            _files.Write("masks.json", json.ToJsonString());
            Ends(_files.Doctor(config), $"{key} = {value} ({all})");
        }
    }

    [Fact]
    public void PanopticFiles_ThatAreWrong_NeverEndInAnException()
    {
        var config = _files.Panoptic();
        var (map, json) = (File.ReadAllBytes(_files.At("segments", "p0.png")), File.ReadAllText(_files.At("segments.json")));
        foreach (var bytes in new byte[][] { [], [1, 2, 3], map[..40], JudgedFiles.Png(1), JudgedFiles.Png(1, 32, 32) })
        {
            _files.Write("segments/p0.png", bytes);
            Ends(_files.Doctor(config), $"{bytes.Length} bytes", 1);
        }
        _files.Write("segments/p0.png", map);
        foreach (var bytes in new byte[][] { [], [1, 2, 3], JudgedFiles.Png(1, 32, 32) })
        {
            _files.Write("photos/p0.png", bytes);
            Ends(_files.Doctor(config), $"photograph of {bytes.Length} bytes", 1);
        }
        _files.Write("photos/p0.png", JudgedFiles.Png(0));
        Ends(_files.Doctor(config), "as it is", 0);
        foreach (
            var text in new[]
            {
                "",
                "[]",
                "{}",
                json.Replace("\"id\":7", "\"id\":8", StringComparison.Ordinal),
                json.Replace("\"id\":7", "\"id\":-1", StringComparison.Ordinal),
                json.Replace("\"category_id\":2", "\"category_id\":3", StringComparison.Ordinal),
                json.Replace("\"image_id\":3", "\"image_id\":2", StringComparison.Ordinal),
                json.Replace("p3.png", "p4.png", StringComparison.Ordinal),
                json.Replace("\"isthing\":1", "\"isthing\":null", StringComparison.Ordinal),
            }
        )
        {
            Assert.NotEqual(json, text);
            _files.Write("segments.json", text);
            Ends(_files.Doctor(config), text, 1);
        }
    }

    /// <param name="code">Expected; null: done or a mistake.</param>
    private static void Ends(Said said, string what, int? code = null)
    {
        Assert.True(code is null ? said.Code is 0 or 1 : said.Code == code, $"{what}: {said.Code}\n{said.All}");
        Assert.False(said.All.Contains("defect", StringComparison.Ordinal), $"{what}\n{said.All}");
        Assert.False(said.All.Contains("Exception", StringComparison.Ordinal), $"{what}\n{said.All}");
    }
}
