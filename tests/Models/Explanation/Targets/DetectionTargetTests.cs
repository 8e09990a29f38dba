using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Models.Explanation.Targets;
using Tessera.Models.TaskModels;
using Tessera.Tests.Models.Detection;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Targets;

public sealed class DetectionTargetTests
{
    private const string Retina = """{ "type": "RetinaHead", "stacked_convs": 0 }""";
    private const string RetinaTower = """{ "type": "RetinaHead", "stacked_convs": 1, "norm": "gn" }""";
    private const string Fcos = """{ "type": "FcosHead", "stacked_convs": 0 }""";
    private const string Yolox = """{ "type": "YoloxHead", "stacked_convs": 1 }""";
    private const string FcosTower =
        """{ "type": "FcosHead", "stacked_convs": 1, "score": "root", "candidates_by": "score", "norm_on_bbox": false }""";

    private const string Atss = """{ "type": "AtssHead", "stacked_convs": 0 }""";
    private const string Gfl = """{ "type": "GflHead", "stacked_convs": 0 }""";
    private const string Rtmdet = """{ "type": "RtmdetHead", "stacked_convs": 1, "exp_on_reg": true }""";

    [Theory]
    [InlineData(Retina)]
    [InlineData(RetinaTower)]
    [InlineData(Fcos)]
    [InlineData(FcosTower)]
    [InlineData(Atss)]
    [InlineData(Gfl)]
    [InlineData(Rtmdet)]
    [InlineData(Yolox)]
    public void Locate_AnyHead_GivesThePredictionsAndThePlaceThatASearchFinds(string head)
    {
        using var model = Model(head);
        using var scope = NewDisposeScope();
        using var batch = DetectorScenes.Images(Formula.Values("images", 2, 3, 64, 96), null);
        using var still = no_grad();
        var predicted = model.Predict(batch).Cast<DetectionPrediction>().ToArray();
        var located = ((ILocatesObjects)model).Locate(batch);
        for (var image = 0; image < 2; image++)
        {
            Assert.True(located[image].Count > 5);
            Assert.Equal(predicted[image].Scores, located[image].Select(found => found.Score));
            Assert.Equal(predicted[image].Labels, located[image].Select(found => found.Label));
            Assert.Equal(predicted[image].Corners, located[image].SelectMany(found => found.Corners));
            var all = Scores((Detector)model, batch.Images, image, head);
            // What the search finds best was kept first: nothing can have suppressed it.
            Assert.Equal(all.MaxBy(entry => entry.Score).Place, (located[image][0].Place, located[image][0].Label));
            foreach (var found in located[image])
            {
                var equal = all.Where(entry => Math.Abs(entry.Score - found.Score) < 1e-6 * found.Score).ToArray();
                Assert.Contains((found.Place, found.Label), equal.Select(entry => entry.Place));
            }
        }
        // A YOLOX's maps have towers of their own: with these weights one map outdoes the others.
        Assert.True(head == Yolox || located.SelectMany(image => image).Select(found => found.Place.Level).Distinct().Count() > 1);
    }

    // The head's only layer is a 3x3 convolution on the pyramid: a place adds what the logit loses without it, and all add up to the logit.
    [Theory]
    [InlineData(Retina, "retina_cls")]
    [InlineData(Fcos, "conv_cls")]
    public void HiResCam_ConvolutionOnThePyramid_SaysWhatEachPlaceAdds(string head, string classifier)
    {
        using var model = Model(head);
        using var scope = NewDisposeScope();
        using var batch = DetectorScenes.Images(Formula.Values("images", 1, 3, 64, 96), null);
        var objects = DetectionTarget.Find(model, batch)[0];
        foreach (var found in objects.Take(5))
        {
            var target = new DetectionTarget(model, [found], DetectorScenes.Info.Classes);
            var layer = MapLayers.Find(model, batch.Images, target);
            Assert.Equal(("neck", found.Place.Level), (layer.Name, layer.Output));
            using var run = new ExplainedRun(model, batch.Images, target, layer);
            var score = run.Scores.item<float>();
            Assert.Equal(found.Score, Sigmoid(score) * (head == Retina ? 1 : Centreness(model, batch.Images, found)), 1e-5f);
            var map = new HiResCam().Contributions(run).sum(1)[0]; // [h, w]
            var channel = (found.Place.Shape * 3) + found.Label;
            var bias = model.state_dict()[$"bbox_head.{classifier}.bias"][channel].item<float>();
            Assert.Equal(score - bias, map.sum().item<float>(), 1e-3f);
            for (var row = 0; row < found.Place.Rows; row++)
            for (var column = 0; column < found.Place.Columns; column++)
            {
                var without = run.ScoresWith(batch.Images, [0], maps => Without(maps, row, column)).item<float>();
                var added = map[row, column].item<float>();
                Assert.Equal(score - without, added, 1e-3f);
                if (Math.Abs(row - found.Place.Row) > 1 || Math.Abs(column - found.Place.Column) > 1)
                    Assert.Equal(0, added);
            }
        }
    }

    [Fact]
    public void Of_SeveralRows_AsksEachForItsOwnersPlace()
    {
        using var model = Model(Retina);
        using var scope = NewDisposeScope();
        using var batch = DetectorScenes.Images(Formula.Values("images", 2, 3, 64, 96), null);
        var found = DetectionTarget.Find(model, batch).Select(image => image.First(one => one.Place.Level == 0)).ToArray();
        var target = new DetectionTarget(model, found, DetectorScenes.Info.Classes);
        using var still = no_grad();
        var outputs = ((IExplainable)model).Outputs(batch.Images);
        var rows = outputs.Select(output => output.index_select(0, tensor((long[])[1, 0, 1]))).ToArray();
        var scores = target.Of(rows, [1, 0, 1]).Values<float>();
        Assert.Equal([Logit(outputs, 1), Logit(outputs, 0), Logit(outputs, 1)], scores);

        // Mirrored maps hold the same logits at the mirrored columns.
        var mirrored = outputs.Select(output => output.flip(3)).ToArray();
        Assert.Equal(target.Of(outputs, [0, 1]).Values<float>(), target.Mirrored().Of(mirrored, [0, 1]).Values<float>());

        float Logit(Tensor[] maps, int image) =>
            maps[0]
                [image, (found[image].Place.Shape * 3) + found[image].Label, found[image].Place.Row, found[image].Place.Column]
                .item<float>();
    }

    [Fact]
    public void Target_OtherSizeOrLevels_IsAnError()
    {
        using var model = Model(Retina);
        using var scope = NewDisposeScope();
        using var batch = DetectorScenes.Images(Formula.Values("images", 1, 3, 64, 96), null);
        var found = DetectionTarget.Find(model, batch)[0];
        var target = new DetectionTarget(model, [found[0]], DetectorScenes.Info.Classes);
        using var still = no_grad();
        var outputs = ((IExplainable)model).Outputs(Formula.Values("images", 1, 3, 96, 96));
        Assert.Contains("of the size in which it was found", Assert.Throws<UserErrorException>(() => target.Of(outputs, [0])).Message);
        var other = found.First(one => one.Place.Level != found[0].Place.Level);
        var error = Assert.Throws<UserErrorException>(() => new DetectionTarget(model, [found[0], other], DetectorScenes.Info.Classes));
        Assert.Contains("maps of several levels", error.Message);
        using var classifier = Explained.Classifier("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""");
        Assert.Contains("ILocatesObjects", Assert.Throws<UserErrorException>(() => DetectionTarget.Find(classifier, batch)).Message);
        using var stub = DetectorScenes.With(new DetectorScenes.Bright());
        Assert.Contains("BoxHead.ClassLogits", Assert.Throws<UserErrorException>(() => DetectionTarget.Find(stub, batch)).Message);
    }

    internal static VisionModel Model(string head)
    {
        var model = Formula.Fill(DetectorScenes.Small(head));
        DetectorScenes.Tame(model);
        model.eval();
        return model;
    }

    private static Tensor Without(Tensor maps, int row, int column)
    {
        var changed = maps.clone();
        changed[.., .., row, column] = 0;
        return changed;
    }

    // Every place, shape and class, by loops over the outputs as the heads' summaries describe them.
    private static List<(float Score, (HeadPlace, int) Place)> Scores(Detector model, Tensor images, int image, string head)
    {
        using var scope = NewDisposeScope();
        var outputs = model.Outputs(images);
        var parts =
            head.Contains("Fcos", StringComparison.Ordinal)
            || head.Contains("Atss", StringComparison.Ordinal)
            || head.Contains("Yolox", StringComparison.Ordinal)
                ? 3
                : 2;
        var levels = outputs.Length / parts;
        var all = new List<(float, (HeadPlace, int))>();
        for (var level = 0; level < levels; level++)
        {
            var logits = outputs[level][image];
            var (channels, rows, columns) = ((int)logits.shape[0], (int)logits.shape[1], (int)logits.shape[2]);
            var values = logits.contiguous().Values<float>();
            var factors = parts == 3 ? outputs[(2 * levels) + level][image].contiguous().Values<float>() : null;
            for (var i = 0; i < values.Length; i++)
            {
                var (channel, cell) = Math.DivRem(i, rows * columns);
                var score = Sigmoid(values[i]) * (factors is null ? 1 : Sigmoid(factors[cell]));
                if (head.Contains("root", StringComparison.Ordinal))
                    score = MathF.Sqrt(score);
                all.Add((score, (new HeadPlace(level, cell / columns, cell % columns, channel / 3, rows, columns), channel % 3)));
            }
        }
        return all;
    }

    private static float Centreness(VisionModel model, Tensor images, DetectedObject found)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var outputs = ((IExplainable)model).Outputs(images);
        return Sigmoid(outputs[(outputs.Length / 3 * 2) + found.Place.Level][0, 0, found.Place.Row, found.Place.Column].item<float>());
    }

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
}
