using Tessera.Framework.Errors;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Models.Explanation.Targets;
using Tessera.Tests.Models.TaskModels;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Targets;

public sealed class PixelTargetTests
{
    private static readonly string[] s_names = ["road", "car", "sky", "tree"];

    [Fact]
    public void OfClass_ItsPixels_IsTheMeanOfTheirLogits()
    {
        using var model = Model();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var batch = SegmentorScenes.Batch(2, 64, 96);
        var logits = model.Logits(batch.Images);
        var classes = Enumerable.Range(0, 2).Select(image => Largest(logits[image])).ToArray();
        var target = PixelTarget.OfClass(model, batch.Images, classes, s_names);
        var scores = target.Of([logits], [0, 1]).Values<float>();
        var fixedPlaces = target.Of([logits * 2 + 1], [0, 1]).Values<float>();
        for (var image = 0; image < 2; image++)
        {
            Assert.Equal(Mean(logits[image], classes[image]), scores[image], 1e-4f);
            Assert.Equal((2 * scores[image]) + 1, fixedPlaces[image], 1e-4f); // the same pixels, other logits
        }
        Assert.Equal(scores[1], target.Of([logits.flip(0)], [1, 0]).Values<float>()[0], 1e-5f);
        Assert.Equal(scores, target.Mirrored().Of([logits.flip(3)], [0, 1]).Values<float>(), (a, b) => Math.Abs(a - b) < 1e-4f);
    }

    [Fact]
    public void OfClass_WithoutPixel_IsAnErrorOrAllPixels()
    {
        using var model = Model();
        using (no_grad())
            model.state_dict()["decode_head.conv_seg.bias"][1].fill_(-1000);
        using var scope = NewDisposeScope();
        using var batch = SegmentorScenes.Batch(1, 64, 64);
        var error = Assert.Throws<UserErrorException>(() => PixelTarget.OfClass(model, batch.Images, [1], s_names));
        Assert.StartsWith("The model gives no pixel of the image to \"car\": there is ", error.Message, StringComparison.Ordinal);
        var target = PixelTarget.OfClass(model, batch.Images, [1], s_names, orAll: true);
        Assert.Equal("car (all pixels, as it has none)", target.NameOf(0));
        using var still = no_grad();
        var logits = model.Logits(batch.Images);
        Assert.Equal(logits[0, 1].mean().item<float>(), target.Of([logits], [0]).item<float>(), 1e-2f);
    }

    [Fact]
    public void OfRegion_Rectangle_WeighsCellsByWhatLiesInside()
    {
        using var model = Model();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var batch = SegmentorScenes.Batch(1, 64, 64);
        var logits = model.Logits(batch.Images); // a cell is 8 pixels wide
        Assert.Equal([1, 4, 8, 8], logits.shape);
        // Columns 8 to 20 hold cell 1 and half of cell 2; rows 0 to 8 cell 0.
        var region = PixelTarget.Rectangle(64, 64, (8, -5, 20, 8));
        var target = PixelTarget.OfRegion(model, batch.Images, [2], s_names, region);
        var expected = ((logits[0, 2, 0, 1] + (logits[0, 2, 0, 2] / 2)) / 1.5).item<float>();
        Assert.Equal(expected, target.Of([logits], [0]).item<float>(), 1e-4f);
        Assert.Equal("sky (a region)", target.NameOf(0));
        Assert.Contains("64 wide", Assert.Throws<UserErrorException>(() => PixelTarget.Rectangle(64, 64, (70, 0, 80, 5))).Message);
        Assert.Contains("holds no pixel", Throws(zeros(64, 64)));
        Assert.Contains("[32, 64]", Throws(ones(32, 64)));

        string Throws(Tensor wrong) =>
            Assert.Throws<UserErrorException>(() => PixelTarget.OfRegion(model, batch.Images, [2], s_names, wrong)).Message;
    }

    // The last layer of the head is a 1x1 convolution: what a cell says is nothing but its own logit without bias, shared out.
    [Fact]
    public void HiResCam_BeforeTheClassifier_AddsUpToTheScoreWithinTheRegion()
    {
        using var model = Model();
        using var scope = NewDisposeScope();
        using var batch = SegmentorScenes.Batch(1, 64, 64);
        var target = PixelTarget.OfRegion(model, batch.Images, [2], s_names, PixelTarget.Rectangle(64, 64, (8, 16, 32, 40)));
        var layer = MapLayers.Find(model, batch.Images, target);
        using var run = new ExplainedRun(model, batch.Images, target, layer);
        var map = new HiResCam().Contributions(run).sum(1)[0];
        var bias = model.state_dict()["decode_head.conv_seg.bias"][2].item<float>();
        Assert.Equal(run.Scores.item<float>() - bias, map.sum().item<float>(), 1e-4f);
        Assert.Equal(map.sum().item<float>(), map.narrow(0, 2, 3).narrow(1, 1, 3).sum().item<float>(), 1e-4f);
    }

    private static Tessera.Models.TaskModels.Segmentation.Segmentor Model()
    {
        var model = SegmentorScenes.Model($"{SegmentorScenes.SmallBackbone}, \"decode_head\": {SegmentorScenes.Fcn}");
        model.eval();
        return model;
    }

    private static int Largest(Tensor logits) =>
        (int)logits.argmax(0).Values<long>().GroupBy(label => label).MaxBy(group => group.Count())!.Key;

    private static float Mean(Tensor logits, int wanted)
    {
        var values = logits.contiguous().Values<float>();
        var cells = values.Length / 4;
        var own = Enumerable
            .Range(0, cells)
            .Where(cell => Enumerable.Range(0, 4).All(other => values[(other * cells) + cell] <= values[(wanted * cells) + cell]))
            .Select(cell => values[(wanted * cells) + cell])
            .ToArray();
        Assert.NotEmpty(own);
        return own.Average();
    }
}
