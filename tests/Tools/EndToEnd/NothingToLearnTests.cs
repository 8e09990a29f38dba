using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Data and configs by which a run would learn nothing, or end in its midst: train refuses them, and doctor says so.</summary>
[Collection(InProcess.Name)]
public sealed class NothingToLearnTests : IDisposable
{
    private readonly JudgedFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(JudgedTasks.TwoStage)]
    [InlineData(JudgedTasks.Eomt)]
    public void Masks_OfWhichNoneIsUsable_AreRefused(string model)
    {
        var config = _files.Instances(model, (annotation, i) => Spoil(annotation, i));
        Refused(config, "objects are annotated, but none can be used", "6 masks can't be used and are skipped (on_bad_mask)");

        static void Spoil(JsonObject annotation, int i)
        {
            if (i == 0)
                annotation.Remove("segmentation");
            else
                annotation["segmentation"] = JsonNode.Parse(
                    i % 2 == 0 ? "[[1, 1, 5, 1, 5]]" : """{ "size": [32, 32], "counts": [1024] }"""
                );
        }
    }

    [Fact]
    public void Polygons_InFractions_AreRefused() =>
        Refused(
            _files.Instances(
                JudgedTasks.TwoStage,
                (annotation, i) => annotation["segmentation"] = new JsonArray(JudgedTasks.Outline(JudgedFiles.Boxes[i], 1 / 64.0))
            ),
            "all points of the 6 masks' polygons lie within 0 to 1: they are written as fractions of the image's sides"
        );

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Boxes_ThatAreAllCrowds_AreRefused(bool masks) =>
        Refused(
            _files.Instances(JudgedTasks.TwoStage, (annotation, _) => annotation["iscrowd"] = 1, masks),
            "train.dataset: none of its 3 images has a box to learn from: all are ignored areas"
        );

    [Fact]
    public void Boxes_ThatNobodyAnnotated_AreRefused()
    {
        var config = _files.Detection(box => JudgedFiles.Json(box));
        var json = JsonNode.Parse(File.ReadAllText(_files.At("boxes.json")))!;
        json["annotations"] = new JsonArray();
        _files.Write("boxes.json", json.ToJsonString());
        Refused(config, "train.dataset: none of its 3 images has a box, so there is nothing to learn.");
    }

    [Fact]
    public void Panoptic_WithoutASegment_IsRefused()
    {
        Refused(
            _files.Panoptic(
                (_, _) => 0,
                json =>
                {
                    foreach (var annotation in json["annotations"]!.AsArray())
                        annotation!["segments_info"] = new JsonArray();
                }
            ),
            "train.dataset: none of its 4 images has a segment to learn from, of a thing or of stuff; crowds are none."
        );
        Refused(
            _files.Panoptic(change: json =>
            {
                foreach (var annotation in json["annotations"]!.AsArray())
                foreach (var segment in annotation!["segments_info"]!.AsArray())
                    segment!["iscrowd"] = 1;
            }),
            "train.dataset: none of its 4 images has a segment to learn from, of a thing or of stuff; crowds are none."
        );
    }

    [Theory]
    [InlineData("Detr", JudgedTasks.Detr)]
    [InlineData("RtDetr", JudgedTasks.RtDetr)]
    [InlineData("Eomt", JudgedTasks.Eomt)]
    public void Objects_MoreThanQueries_AreRefused_WhereverTheImageLies(string name, string model)
    {
        var config = _files.Instances(model);
        var json = JsonNode.Parse(File.ReadAllText(_files.At("masks.json")))!;
        var annotations = json["annotations"]!.AsArray();
        for (var i = 0; i < 2; i++)
        {
            var more = annotations[^1]!.DeepClone(); // of the last image, which then has four
            more["id"] = 100 + i;
            annotations.Add(more);
        }
        _files.Write("masks.json", json.ToJsonString());
        Refused(
            config,
            $"train.dataset: 1 of 3 images have more objects than {name} can find in one, 3 (num_queries): ",
            "p2.png has 4. Each needs a place of its own: set model.num_queries to at least 4"
        );
        _files.Train(config, "model.num_queries=4").Succeeds();
        const string Crop =
            "train.dataset.pipeline={\"_edit_\": [{\"after\": \"LoadImage\", \"insert\": {\"type\": \"CenterCrop\", \"size\": [20, 64]}}]}";
        var said = _files.Doctor(config, Crop);
        Assert.Contains("The pipeline may leave fewer of them", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Segments_MoreThanQueries_AreRefused()
    {
        var config = _files.Panoptic();
        Refused(
            config,
            ["train.dataset: 4 of 4 images have more segments than Eomt can find in one, 1 (num_queries): ", "p0.png has 2"],
            "model.num_queries=1"
        );
        _files.Train(config).Succeeds();
    }

    [Fact]
    public void Gan_WithOneOptimizer_IsRefused_AndTheRemedyWorks()
    {
        var config = _files.Generation(JudgedTasks.Gan);
        Refused(
            config,
            [
                "optimizer: Gan steps 2 optimizers, \"generator\" and \"discriminator\"; the config has \"optimizer\"",
                "\"generator\": { …, \"parameters\": [\"generator\"] }",
            ],
            "optimizer={\"_delete_\": true, \"type\": \"Adam\", \"lr\": 0.001}"
        );
        _files.Train(config).Succeeds();
        _files.Doctor(config).Succeeds();
    }

    [Fact]
    public void Classifier_WithTwoOptimizers_IsRefused() =>
        Refused(
            _files.Classification(["a", "b"], ["a", "b"]),
            ["optimizer: ImageClassifier steps one optimizer; the config has 2: \"one\", \"two\"."],
            "optimizer={\"_delete_\": true, \"one\": {\"type\": \"Adam\", \"lr\": 0.1, \"parameters\": [\"backbone\"]}, \"two\": {\"type\": "
                + "\"Adam\", \"lr\": 0.1, \"parameters\": [\"head\"]}}"
        );

    [Fact]
    public void Panoptic_BadMaps_AreToldTogether_ByTrainDoctorAndStatistics()
    {
        var config = _files.Panoptic(
            (i, y) =>
                i == 0 ? 5
                : i == 1 ? 7
                : y < 20 ? 7
                : 9
        );
        _files.Write("segments/p2.png", MapOf(32));
        Refused(
            config,
            "3 of 4 maps of segments can't be used:",
            "p0.png: pixels have the id 5 (colour 5, 0, 0)",
            "p1.png: no pixel has the id 9",
            "p2.png: the map of segments has 32 x 32 pixels"
        );
        var said = Tool.Run("dataset-stats", config).Succeeds();
        Assert.Contains("3 label images can't be used:", said.Output, StringComparison.Ordinal);
        Assert.Contains("p0.png: pixels have the id 5", said.Output, StringComparison.Ordinal);
        _files.Write("segments/p2.png", MapOf(32, 7, 9));
        said = Tool.Run("dataset-stats", config).Succeeds();
        Assert.Contains("2 label images can't be used:", said.Output, StringComparison.Ordinal);
        Assert.Contains("1 label images have another size than their photograph:", said.Output, StringComparison.Ordinal);

        static byte[] MapOf(int side, byte above = 0, byte below = 0)
        {
            var map = new Framework.Data.Image(side, side, 3);
            for (var at = 0; at < side * side; at++)
                map.Bytes[3 * at] = at < side ? above : below;
            return Datasets.Images.ImageCodec.EncodePng(map);
        }
    }

    private void Refused(string config, params string[] said) => Refused(config, said, []);

    private void Refused(string config, string[] said, params string[] changes)
    {
        _files.Train(config, changes).IsMistake(said);
        var doctor = _files.Doctor(config, changes);
        Assert.Equal(1, doctor.Code);
        Assert.DoesNotContain("defect", doctor.All, StringComparison.Ordinal);
        foreach (var text in said)
            Assert.Contains(Flat(text), Flat(doctor.Output), StringComparison.Ordinal);
    }

    // Doctor breaks and indents lines.
    private static string Flat(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
