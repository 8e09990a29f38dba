using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Data;
using Tessera.Tests.Tools.Output;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.PseudoLabels;

[Collection(InProcess.Name)]
public sealed class ScoreMasksTests : IDisposable
{
    private readonly SegmentationFiles _files = new();

    public void Dispose() => _files.Dispose();

    private string Folder => Path.Combine(_files.Path, "pseudo");

    [Fact]
    public void Masks_and_scores_are_measured_and_bad_files_told_once()
    {
        Describe();
        for (var i = 5; i < 11; i++) // i6 and i10 are of the second half
        {
            _files.Add("train", $"i{i}", i, 2, 2, 0, 1, 2, 9); // sky, road, car, ignored
            Mask($"i{i}", 0, 1, 0, 2); // car is missed; what is ignored doesn't count
            // road on pixel 1, car on pixel 2; car is predicted only, where the labels were given it is not
            Scores($"i{i}", [0.1f, 0.9f, 0, 0, 0, 0.2f, 0.8f, 0], [0, 1], [3, 2]);
        }
        _files.Add("train", "missing", 7, 2, 2, 0, 1, 2, 9);
        _files.Add("train", "damaged", 8, 2, 2, 0, 1, 2, 9);
        File.WriteAllBytes(Path.Combine(Folder, "masks", "damaged.png"), [1, 2, 3]);
        File.WriteAllBytes(Path.Combine(Folder, "scores", "damaged.safetensors"), [1, 2, 3]);

        var output = Path.Combine(_files.Path, "scores.json");
        var said = Tool.Run("score-masks", _files.Config, Folder, "--bootstrap", "50", "--out", output).Succeeds();
        WholeOutput.OfGoodRun("score-masks", said, _files.Path);
        var json = JsonNode.Parse(File.ReadAllText(output))!;
        // Masks: sky 1 of 2, road 1, car 0 of 1.
        Assert.Equal(6, (int)json["masks/images"]!);
        Assert.Equal((0.5 + 1 + 0) / 3, (double)json["masks/mIoU"]!, 1e-9);
        Assert.Equal((double)json["masks/mIoU"]!, (double)json["masks/mIoU/low"]!, 1e-9); // all images are alike
        // Predicted: a threshold from 0.1 on is right everywhere; given: road alone can be right.
        Assert.Equal(1, (double)json["predicted_labels/honest/mIoU"]!, 1e-9);
        Assert.Equal(0.1, (double)json["predicted_labels/threshold/first_half"]!, 1e-9);
        Assert.Equal(0.5, (double)json["given_labels/honest/mIoU"]!, 1e-9);
        Assert.Equal(101, json["given_labels/curve"]!.AsArray().Count);
        Assert.Contains("1 of 8 images have no file in masks and are not scored by it: missing.", said.Error, StringComparison.Ordinal);
        Assert.Contains("1 of 8 images have no file in scores", said.Error, StringComparison.Ordinal);
        Assert.Equal(2, said.Error.Split("damaged.png").Length); // told once
        Assert.Equal(2, said.Error.Split("damaged.safetensors").Length);
        Assert.Contains("peeking optimum", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Undecided_pixels_are_missed_and_also_left_out()
    {
        Describe();
        _files.Add("train", "a", 1, 2, 2, 0, 1, 1, 0);
        Mask("a", 0, 1, 255, 255);
        var said = Tool.Run("score-masks", _files.Config, Folder, "--bootstrap", "0").Succeeds();
        Assert.Contains("Masks of 1 images: mIoU 0.5000\n", said.Output, StringComparison.Ordinal); // 1/2 each
        Assert.Contains("50.0 % are decided; on those alone mIoU is 1.0000", said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("copy of the truth", said.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_the_truth_is_named()
    {
        Describe();
        _files.Add("train", "a", 1, 2, 2, 0, 1, 2, 0);
        Mask("a", 0, 1, 2, 0);
        Assert.Contains("copy of the truth", Tool.Run("score-masks", _files.Config, Folder).Succeeds().Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_are_told()
    {
        _files.Add("train", "a", 1, 2, 2, 0, 1, 2, 0);
        Tool.Run("score-masks", _files.Config, Folder).IsMistake("there is no such folder");
        Describe();
        Tool.Run("score-masks", _files.Config, Folder).IsMistake("None of the 1 images could be scored", "--split");
        Tool.Run("score-masks", _files.Config, Folder, "--split", "vall").IsMistake("Did you mean \"val\"");
        Describe("road", "cars");
        Tool.Run("score-masks", _files.Config, Folder).IsMistake("no class \"cars\"", "Did you mean \"car\"");
        Describe("road");
        Tool.Run("score-masks", _files.Config, Folder).IsMistake("there are sky, car");
        File.WriteAllText(Path.Combine(Folder, "pseudo-labels.json"), "{ \"format\": 1 }");
        Tool.Run("score-masks", _files.Config, Folder).IsMistake("is damaged");
        File.WriteAllText(Path.Combine(Folder, "pseudo-labels.json"), "{ \"format\": 2 }");
        Tool.Run("score-masks", _files.Config, Folder).IsMistake("its format is 2; 1 was expected");
    }

    private void Describe(params string[] classes)
    {
        foreach (var kind in new[] { "masks", "scores" })
            Directory.CreateDirectory(Path.Combine(Folder, kind));
        var about = new JsonObject
        {
            ["format"] = 1,
            ["part"] = "train",
            ["classes"] = new JsonArray([.. (classes is [] ? ["road", "car"] : classes).Select(name => (JsonNode)name)]),
        };
        File.WriteAllText(Path.Combine(Folder, "pseudo-labels.json"), about.ToJsonString());
    }

    private void Mask(string name, params byte[] labels) =>
        File.WriteAllBytes(Path.Combine(Folder, "masks", name + ".png"), ImageCodec.EncodePng(new Image(2, 2, 1, PixelType.UInt8, labels)));

    private void Scores(string name, float[] scores, long[] classes, byte[] labels)
    {
        using var scope = NewDisposeScope();
        TensorFile.Write(
            Path.Combine(Folder, "scores", name + ".safetensors"),
            new Dictionary<string, Tensor>
            {
                ["scores"] = tensor(scores).view(classes.Length, 2, 2),
                ["classes"] = tensor(classes),
                ["labels"] = tensor(labels),
            }
        );
    }
}
