using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Advice;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Output;

/// <summary>What every tool needs for one good run, in one folder.</summary>
public sealed class OutputFiles : IDisposable
{
    private readonly AdviceFolder _folder = new();

    public OutputFiles()
    {
        _folder.Write("tiny.json", TinyRun.Config);
        _folder.Detector();
        _folder.Classifier();
        for (var i = 0; i < 2; i++)
            _folder.Write($"images/{i}.png", TinyRun.Png(i));
        _folder.Write("masks/a.png", ImageCodec.EncodePng(new Image(1, 3, 3, PixelType.UInt8, [255, 0, 0, 0, 255, 0, 0, 255, 0])));
        _folder.Write(
            "coco.json",
            """
            { "images": [{ "id": 5, "file_name": "a.png", "height": 60, "width": 80 }],
              "annotations": [{ "id": 4, "image_id": 5, "category_id": 10, "bbox": [5, 6, 7, 8] }],
              "categories": [{ "id": 20, "name": "cat" }, { "id": 10, "name": "dog" }] }
            """
        );
        _folder.Write(
            "logged/20260101_000000/scalars.jsonl",
            """
            {"kind":"train","iteration":10,"epoch":0,"loss":3,"lr":0.1,"images_per_second":5,"data_wait":0.25,"memory_mb":512}
            {"kind":"train","iteration":20,"epoch":0,"loss":2.5,"lr":0.1,"images_per_second":60,"data_wait":0.25,"memory_mb":512}
            {"kind":"val","iteration":20,"epoch":0,"mIoU":0.5,"IoU/sky":null}

            """
        );
        Trained = Tool.Run("train", At("tiny.json"), "--work-dir", At("run")).Succeeds();
        Tool.Run("test", At("tiny.json"), At("run/epoch_2.safetensors"), "--predictions", At("predictions.jsonl")).Succeeds();
        _folder.Write("told.jsonl", Told(File.ReadAllLines(At("run/predictions/val.jsonl"))));
        var broken = _folder.Train(
            At("classifier.json"),
            "train.dataset.pipeline.1.std=[1e-36, 1e-36, 1e-36]",
            "train.dataset.pipeline.1.mean=[0, 0, 0]"
        );
        Assert.Equal(1, broken.Code);
        File.Copy(Directory.GetFiles(At("run0"), "nonfinite_*.safetensors").Single(), At("nonfinite.safetensors"));
        NotFinite = broken;
    }

    public string Path => _folder.Path;

    /// <summary>What tools/train said.</summary>
    internal Said Trained { get; }

    /// <summary>What tools/train said of a loss that was not finite.</summary>
    internal Said NotFinite { get; }

    public string At(string name) => _folder.At(name);

    public void Dispose() => _folder.Dispose();

    /// <summary>The same predictions with scores that no machine rounds otherwise: 0.91 for the true class, in every fourth image for the
    /// next one.</summary>
    private static string Told(string[] lines)
    {
        var classes = JsonNode.Parse(lines[0])!["classes"]!.AsArray().Select(name => (string)name!).ToList();
        for (var i = 1; i < lines.Length; i++)
        {
            var line = JsonNode.Parse(lines[i])!.AsObject();
            var chosen = (classes.IndexOf((string)line["truth"]!) + (i % 4 == 0 ? 1 : 0)) % classes.Count;
            line["scores"] = new JsonArray([.. classes.Select((_, j) => (JsonNode)(j == chosen ? 0.91 : 0.01))]);
            lines[i] = line.ToJsonString();
        }
        return string.Join('\n', lines) + "\n";
    }
}
