using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Models.Explanation.Targets;
using Tessera.Tests.Models.Detection.TwoStage;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Targets;

/// <summary>Objects of detectors of two stages: the logit of the proposal that each was made of.</summary>
public sealed class RegionTargetTests
{
    private static readonly float[][] s_boxes =
    [
        [8, 8, 40, 40],
        [4, 4, 30, 44],
    ];

    public static TheoryData<string> Heads => [.. TwoStageScenes.RoIHeads];

    [Theory]
    [MemberData(nameof(Heads))]
    public void Locate_GivesThePredictions_AndLogitsWhoseProbabilityIsTheScore(string head)
    {
        using var model = TwoStageScenes.Small(head);
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var batch = TwoStageScenes.Images(s_boxes);
        var predicted = model.Predict(batch).Cast<DetectionPrediction>().ToArray();
        var located = model.Locate(batch);
        for (var image = 0; image < 2; image++)
        {
            Assert.True(located[image].Count > 5);
            Assert.Equal(predicted[image].Scores, located[image].Select(found => found.Score));
            Assert.Equal(predicted[image].Labels, located[image].Select(found => found.Label));
            Assert.Equal(predicted[image].Corners, located[image].SelectMany(found => found.Corners));
        }
        var maps = model.Outputs(batch.Images);
        foreach (var level in located[0].Select(found => found.Place.Level).Distinct())
            Assert.All(
                located[0].Where(found => found.Place.Level == level),
                found => Assert.Equal((maps[level].shape[2], maps[level].shape[3]), (found.Place.Rows, found.Place.Columns))
            );

        // All of both images at once, in turns.
        var rows = located[0].Zip(located[1]).SelectMany(pair => new[] { pair.First, pair.Second }).ToArray();
        var turns = Enumerable.Range(0, rows.Length).Select(row => (long)row % 2).ToArray();
        var logits = model.LogitsOf([.. maps.Select(map => map.index_select(0, tensor(turns)))], rows).Values<float>();
        for (var row = 0; row < rows.Length; row++)
            Assert.Equal(rows[row].Score, Probability(model, maps, rows[row], (int)turns[row], logits[row]), 1e-4f);
    }

    /// <summary>The share of a logit among those of all classes and the background.</summary>
    private static float Probability(
        Tessera.Models.TaskModels.TwoStageDetector model,
        Tensor[] maps,
        DetectedObject found,
        int image,
        float logit
    )
    {
        var one = maps.Select(map => map.narrow(0, image, 1)).ToArray();
        var head = (Tessera.Models.Detection.RoI.RoIHead)model.named_modules().Single(entry => entry.name == "roi_head").module;
        var region = found.Region!;
        var all = head.ClassLogits(new([.. one], [BoxArray.Of(region.Corners)], [new ImageArea(0, 0, region.Width, region.Height)]));
        Assert.Equal(all[0, found.Label].item<float>(), logit, 1e-4f);
        return all.softmax(1)[0, found.Label].item<float>();
    }

    /// <summary>Derivatives by the map that the region is cut out of: as differences say, and none where the region doesn't reach.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Gradient_IsWhatDifferencesSay_WithinTheRegionAlone(int head)
    {
        using var model = TwoStageScenes.Small(TwoStageScenes.RoIHeads[head]);
        model.eval();
        using var scope = NewDisposeScope();
        var batch = TwoStageScenes.Images(s_boxes[0]);
        var found = DetectionTarget.Find(model, batch)[0].OrderBy(one => Area(one.Region!)).First();
        var target = new DetectionTarget(model, [found], TwoStageScenes.Info.Classes);
        var layer = MapLayers.Find(model, batch.Images, target);
        Assert.Equal(("neck", found.Place.Level), (layer.Name, layer.Output));
        using var run = new ExplainedRun(model, batch.Images, target, layer);
        var gradient = run.Gradient;
        var (rows, columns) = (found.Place.Rows, found.Place.Columns);
        Assert.True(gradient[0, .., found.Place.Row, found.Place.Column].abs().sum().item<float>() > 0);

        var random = new Random(1);
        for (var i = 0; i < 20; i++)
        {
            var (channel, row, column) = (random.Next(8), random.Next(rows), random.Next(columns));
            var slope = (Changed(0.01f) - Changed(-0.01f)) / 0.02f;
            var expected = gradient[0, channel, row, column].item<float>();
            Assert.Equal(expected, slope, 0.05f * Math.Max(0.2f, Math.Abs(expected)));

            float Changed(float by) =>
                run.ScoresWith(
                        batch.Images,
                        [0],
                        map =>
                        {
                            var changed = map.clone();
                            changed[0, channel, row, column] += by;
                            return changed;
                        }
                    )
                    .item<float>();
        }
        var outside = gradient.abs().sum(1)[0].eq(0).sum().item<long>();
        Assert.True(head == 3 || outside > 0); // a cascade's later looks are elsewhere
        Assert.True(new GradCam().Contributions(run).abs().sum().item<float>() > 0);
    }

    [Fact]
    public void Mirrored_Twice_IsTheSame_AndOtherSizesAreAnError()
    {
        using var model = TwoStageScenes.Small(TwoStageScenes.RoIHeads[0]);
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var batch = TwoStageScenes.Images(s_boxes[0]);
        var found = DetectionTarget.Find(model, batch)[0][0];
        var target = new DetectionTarget(model, [found], TwoStageScenes.Info.Classes);
        var mirrored = (DetectionTarget)target.Mirrored();
        Assert.Equal(64 - found.Region!.Corners[2], mirrored.Objects[0].Region!.Corners[0]);
        var again = (DetectionTarget)mirrored.Mirrored();
        // 64 - (64 - x) rounds twice: up to half a unit in the last place of 64, each time.
        Assert.All(found.Region.Corners.Zip(again.Objects[0].Region!.Corners), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.Equal(found.Place, again.Objects[0].Place);
        var maps = model.Outputs(Formula.Values("images", 1, 3, 96, 96));
        Assert.Contains(
            "of the size in which it was found",
            Assert.Throws<Tessera.Framework.Errors.UserErrorException>(() => target.Of(maps, [0])).Message,
            StringComparison.Ordinal
        );
    }

    private static float Area(ObjectRegion region) => (region.Corners[2] - region.Corners[0]) * (region.Corners[3] - region.Corners[1]);
}
