using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Predictions;
using Tessera.Tests.Tools.Configs;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>LVIS, Objects365 and Open Images from the bases' layouts to a comparison of stored predictions: what a metric must know of the
/// classes and images (frequencies, hierarchy, verified labels) is there wherever predictions are measured again.</summary>
[Collection(InProcess.Name)]
public sealed class LargeVocabularyTests(TinyData data) : IClassFixture<TinyData>
{
    [Theory]
    [InlineData("lvis_v1", "bbox/APr", 2)]
    [InlineData("objects365_v2", "bbox/AP50", 2)]
    [InlineData("openimages", "openimages/mAP", 2)]
    public void Predictions_StoredAndMeasuredAgain_GiveTheSameFigures(string name, string metric, int classes)
    {
        var folder = Directory.CreateDirectory(Path.Combine(data.Root, $"{name}-tools")).FullName;
        string At(string file) => Path.Combine(folder, file);
        File.WriteAllText(
            At("config.json"),
            $$"""
            {
              "_base_": "{{Path.Combine(Snippets.Repository, "configs/_base_/datasets", name + ".json")}}",
              "data_root": "{{data.Root}}", "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
              "model": {
                "type": "Detector",
                "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 8, "stem": "small", "strides": [2, 2, 2, 2] },
                "neck": { "type": "Fpn", "out_channels": 16, "start_level": 2 },
                "bbox_head": { "type": "RetinaHead", "stacked_convs": 1, "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 1, "ratios": [1] } },
                "test": { "score_thr": 0.0, "nms": { "type": "Nms", "iou_threshold": 0.5 }, "nms_pre": 50, "max_per_img": 20 }
              },
              "train": { "loop": "iterations", "iterations": 2, "validate_every": 0, "loader": { "batch_size": 2, "workers": 0 } },
              "val": { "loader": { "workers": 0 }, "dataset": { "pipeline": { "_edit_": [ { "change": "Resize", "with": { "shorter_side": 64 } } ] } } },
              "optimizer": { "type": "AdamW", "lr": 0.001 },
              "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 2 } }
            }
            """
        );
        if (name == "lvis_v1")
        {
            var config = JsonNode.Parse(File.ReadAllText(At("config.json")))!;
            config["val"]!["metrics"] = JsonNode.Parse("""{ "lvis": { "types": ["bbox"] } }""");
            File.WriteAllText(At("config.json"), config.ToJsonString());
        }
        var stats = Tool.Run("dataset-stats", At("config.json"), "--split", "val").Succeeds();
        Assert.Contains("2 images", stats.Output, StringComparison.Ordinal);
        Tool.Run("train", At("config.json"), "--work-dir", At("run")).Succeeds();
        Tool.Run(
                "test",
                At("config.json"),
                Path.Combine(At("run"), "iter_2.safetensors"),
                "--out",
                At("metrics.json"),
                "--predictions",
                At("results.json")
            )
            .Succeeds();
        Tool.Run("eval-metric", At("config.json"), At("results.json"), "--out", At("again.json")).Succeeds();
        Assert.Equal(File.ReadAllText(At("metrics.json")), File.ReadAllText(At("again.json")));
        Assert.Contains($"\"{metric}\"", File.ReadAllText(At("metrics.json")), StringComparison.Ordinal);

        var stored = PredictionFile.Open(At("run"));
        Assert.Equal(classes, stored.Data.Classes.Count);
        Assert.Equal(name == "lvis_v1" ? [ClassFrequency.Rare, ClassFrequency.Frequent] : null, stored.Data.Frequencies);
        Assert.Equal(
            name == "openimages"
                ?
                [
                    [],
                    [0],
                ]
                : null,
            stored.Data.Ancestors
        );
        var compared = Tool.Run("compare-runs", At("run"), At("run"), "--metric", metric, "--repetitions", "100");
        Assert.True(compared.Code == 4, compared.All); // a run is not better than itself
        Tool.Run("analyze-errors", At("config.json"), At("results.json"), "--out-dir", At("errors")).Succeeds();
    }

    /// <summary>A header that was changed by hand says which entry is wrong.</summary>
    [Theory]
    [InlineData("\"frequencies\":[\"r\"]", "frequencies doesn't say r, c or f for each of the 2 classes")]
    [InlineData("\"frequencies\":[\"r\",\"x\"]", "frequencies doesn't say r, c or f for each of the 2 classes")]
    [InlineData("\"ancestors\":[[]]", "ancestors has not one list for each of the 2 classes")]
    [InlineData("\"ancestors\":[[],[2]]", "ancestors holds something other than whole numbers from 0 to 1")]
    [InlineData("\"ancestors\":[[],1]", "ancestors holds something other than lists")]
    public void Header_Damaged_SaysWhatIsWrong(string entry, string said)
    {
        var file = Path.Combine(data.Root, "predictions.jsonl");
        File.WriteAllText(file, $$"""{"tessera_predictions":1,"task":"detection","part":"val","classes":["a","b"],{{entry}}}""" + "\n");
        var message = Assert.Throws<Framework.Errors.UserErrorException>(() => PredictionFile.Open(file)).Message;
        Assert.Contains(said, message, StringComparison.OrdinalIgnoreCase);
    }
}
