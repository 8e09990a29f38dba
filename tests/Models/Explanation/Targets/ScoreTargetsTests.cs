using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Targets;
using Tessera.Tests.Models.Detection;
using Tessera.Tests.Models.TaskModels;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Targets;

public sealed class ScoreTargetsTests
{
    private const string Backbone = """{ "type": "ResNet", "depth": 18, "base_channels": 8 }""";

    [Fact]
    public void Parse_Classifier_TakesNamesTop1AndLabels()
    {
        using var model = Explained.Classifier(Backbone);
        var info = new DataInfo(["cat", "dog", "top1", "labels", "a class: odd"], DataTask.Classification);
        using var batch = Build.Batch(1, 64, info);
        Assert.Equal([1], Classes(model, info, batch, "dog"));
        Assert.Equal([1], Classes(model, info, batch, " class:dog "));
        Assert.Equal([2], Classes(model, info, batch, "top1")); // a class of that name comes first
        Assert.Equal([4], Classes(model, info, batch, "a class: odd"));
        var plain = new DataInfo(["cat", "dog", "bird", "cow", "ant"], DataTask.Classification);
        Assert.Equal([0], Classes(model, plain, batch, "labels"));
        Assert.Equal([Best(model, batch)], Classes(model, plain, batch, "top1"));
        Assert.Equal([1, 0], ScoreTargets.Parse(model, plain, batch, ["dog", "cat"]).Cast<ClassTarget>().Select(t => t.Classes[0]));
        var error = Assert.Throws<UserErrorException>(() => ScoreTargets.Parse(model, plain, batch, "bidr"));
        Assert.Equal("The model has no class \"bidr\". Did you mean \"bird\"? It knows 5: cat, dog, bird, cow, ant.", error.Message);
        batch.Labels!.Dispose();
        batch.Labels = null;
        Assert.StartsWith("\"sample0\" has no labels", Throws(model, plain, batch, "labels"), StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_MultiLabel_GivesEachLabelATarget()
    {
        using var model = Explained.Classifier(Backbone);
        var info = new DataInfo(["cat", "dog", "bird", "cow", "ant"], DataTask.MultiLabel);
        using var batch = Build.Batch(1, 64, info);
        batch.SoftLabels!.Dispose();
        batch.SoftLabels = tensor((float[])[0, 1, 0, 1, 0]).view(1, 5);
        Assert.Equal([1, 3], Classes(model, info, batch, "labels"));
    }

    [Fact]
    public void Parse_Regression_TakesValuesByName()
    {
        var info = new DataInfo(["height", "weight"], DataTask.Regression);
        using var model = Formula.Fill(
            Build.From<VisionModel>(
                $$"""{ "type": "ImageRegressor", "backbone": {{Backbone}}, "head": { "type": "RegressionHead" } }""",
                info
            )
        );
        using var batch = Build.Batch(1, 64, info);
        Assert.Equal([1], Classes(model, info, batch, "weight"));
        Assert.StartsWith("The model has no value \"wieght\". Did you mean \"weight\"?", Throws(model, info, batch, "wieght"));
    }

    [Fact]
    public void Parse_Segmentor_TakesTheClassOfTheMostPixels()
    {
        using var model = SegmentorScenes.Model($"{SegmentorScenes.SmallBackbone}, \"decode_head\": {SegmentorScenes.Fcn}");
        model.eval();
        using var batch = SegmentorScenes.Batch(1, 64, 64);
        var info = SegmentorScenes._info;
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var most = model.Logits(batch.Images).argmax(1).Values<long>().GroupBy(label => label).MaxBy(group => group.Count())!.Key;
        var target = Assert.IsType<PixelTarget>(Assert.Single(ScoreTargets.Parse(model, info, batch, "top1")));
        Assert.Equal((int)most, target.Classes[0]);
        var labels = ScoreTargets.Parse(model, info, batch, "labels").Cast<PixelTarget>().Select(one => one.Classes[0]);
        Assert.Equal(batch.SegmentationMaps!.Values<long>().Distinct().Order().Select(label => (int)label), labels);
    }

    [Fact]
    public void Parse_Detector_TakesObjectsByRankAndClass()
    {
        using var model = DetectionTargetTests.Model("""{ "type": "RetinaHead", "stacked_convs": 1 }""");
        using var batch = DetectorScenes.Images(Formula.Values("images", 1, 3, 64, 96), null, new Boxes([0, 0, 9, 9], [1], [false]));
        var info = DetectorScenes.Info;
        var found = DetectionTarget.Find(model, batch)[0];
        Assert.Equal(found[0].Place, Object("1").Place);
        Assert.Equal(found[2].Place, Object("3").Place);
        Assert.Equal(found[0].Place, Object("top1").Place);
        foreach (var label in found.Select(one => one.Label).Distinct())
            Assert.Equal(found.First(one => one.Label == label).Place, Object($"class{label}").Place);
        var target = ScoreTargets.Parse(model, info, batch, "1")[0];
        Assert.Matches(@"^class\d 0\.\d\d at \(\d+, \d+, \d+, \d+\)$", target.NameOf(0));
        Assert.Equal(
            $"There is no object 999: the detector finds {found.Count} in the image, numbered from 1.",
            Throws(model, info, batch, "999")
        );
        Assert.Contains("Did you mean", Throws(model, info, batch, "clas1"));
        if (found.Any(one => one.Label == 1))
            Assert.Equal(1, Object("labels").Label);

        Tessera.Models.Detection.DetectedObject Object(string word) =>
            Assert.IsType<DetectionTarget>(Assert.Single(ScoreTargets.Parse(model, info, batch, word))).Objects[0];
    }

    private static int Best(VisionModel model, Batch batch)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        return (int)((IExplainable)model).Outputs(batch.Images)[0].argmax(1).item<long>();
    }

    private static string Throws(VisionModel model, DataInfo info, Batch batch, string word) =>
        Assert.Throws<UserErrorException>(() => ScoreTargets.Parse(model, info, batch, word)).Message;

    private static IEnumerable<int> Classes(VisionModel model, DataInfo info, Batch batch, string word) =>
        ScoreTargets.Parse(model, info, batch, word).Cast<ClassTarget>().Select(target => target.Classes[0]);
}
