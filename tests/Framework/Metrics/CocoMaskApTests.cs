using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Tests.Framework.Data;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>AP of masks and boundaries: against pycocotools and the authors' boundary AP (tests/Fixtures/metrics/make_masks.py), against
/// boxes, merged from parts, and what can't be measured.</summary>
public class CocoMaskApTests
{
    private static readonly CocoIouType[] s_types = [CocoIouType.Bbox, CocoIouType.Segm, CocoIouType.Boundary];

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void CocoAp_OfMasks_EqualsPycocotools(int index)
    {
        var json = MaskScenes.Fixture.GetProperty("scenes")[index];
        var (info, predictions, samples) = MaskScenes.Scene(json);
        var values = CocoScenes.Values(new CocoApOptions(PerClass: true, Bootstrap: 0, Types: s_types), info, predictions, samples);
        foreach (var kind in (string[])["segm", "boundary"])
        {
            var expected = json.GetProperty("expected").GetProperty(kind);
            foreach (var value in expected.GetProperty("stats").EnumerateObject())
                AssertValue(value.Value, values[$"{kind}/{value.Name}"]);
            for (var c = 0; c < info.Classes.Count; c++)
                foreach (var value in expected.GetProperty("classes")[c].EnumerateObject())
                    AssertValue(value.Value, values[$"{kind}/{value.Name}/{info.Classes[c]}"]);
        }

        static void AssertValue(JsonElement expected, double value)
        {
            if (expected.ValueKind == JsonValueKind.Null)
                Assert.Equal(double.NaN, value);
            else
                Assert.InRange(value - expected.GetDouble(), -1e-12, 1e-12);
        }
    }

    [Fact]
    public void CocoAp_MergedInAnyOrder_IsTheWholeWithItsIntervals()
    {
        var (info, predictions, samples) = MaskScenes.Scene(MaskScenes.Fixture.GetProperty("scenes")[0]);
        CocoApMetric Of(params int[] images)
        {
            var metric = new CocoApMetric(new CocoApOptions(Bootstrap: 30, Types: s_types));
            metric.Reset(info);
            metric.Process([.. images.Select(i => predictions[i])], [.. images.Select(i => samples[i])]);
            return metric;
        }
        var merged = Of(3, 0);
        merged.Merge(Of(5, 4).Save());
        merged.Merge(Of().Save());
        merged.Merge(Of(2, 1).Save());
        var whole = Of(0, 1, 2, 3, 4, 5).Compute();
        Assert.Equal(whole, merged.Compute());
        Assert.Contains("segm/AP/low", whole.Keys);
        Assert.Contains("boundary/AP50/high", whole.Keys);
        var redrawn = ((IRedrawsImages)merged).Redraws("segm/AP");
        Assert.Equal(whole["segm/AP"], redrawn!([1, 1, 1, 1, 1, 1]), 12);
    }

    /// <summary>Masks that fill their boxes overlap as the boxes do.</summary>
    [Fact]
    public void CocoAp_OfMasksThatFillTheirBoxes_IsThatOfBoxes()
    {
        var random = new Random(4);
        var (predictions, samples) = (new List<Prediction>(), new List<Sample>());
        for (var image = 0; image < 8; image++)
        {
            var (truth, found) = (new List<int[]>(), new List<int[]>());
            for (var g = random.Next(1, 5); g > 0; g--)
            {
                truth.Add([random.Next(0, 60), random.Next(0, 60), random.Next(4, 40), random.Next(4, 40)]);
                found.Add([.. truth[^1].Select(value => Math.Max(1, value + random.Next(-3, 4)))]);
            }
            double[] areas = [.. truth.Select(box => (double)box[2] * box[3])];
            bool[] crowd = [.. truth.Select((_, g) => g == 3)];
            samples.Add(
                new Sample
                {
                    Index = image,
                    Name = $"{image}",
                    Truth =
                    {
                        BoxAnnotation = new BoxAnnotation([.. truth.SelectMany(Doubles)], new int[truth.Count], areas, crowd, crowd)
                        {
                            Masks = [.. truth.Select(Filled)],
                        },
                    },
                }
            );
            predictions.Add(
                new DetectionPrediction(
                    [.. found.SelectMany(box => (float[])[box[0], box[1], box[0] + box[2], box[1] + box[3]])],
                    [.. found.Select(_ => random.NextSingle())],
                    new int[found.Count]
                )
                {
                    Masks = [.. found.Select(Filled)],
                }
            );
        }
        var options = new CocoApOptions(Bootstrap: 20, Types: [CocoIouType.Bbox, CocoIouType.Segm]);
        var values = CocoScenes.Values(options, new DataInfo(["c"], DataTask.Detection), [.. predictions], [.. samples]);
        foreach (var name in values.Keys.Where(name => name.StartsWith("bbox/", StringComparison.Ordinal)))
            Assert.Equal(values[name], values["segm/" + name[5..]]);
        Assert.InRange(values["segm/AP"], 0.1, 0.9);

        static IEnumerable<double> Doubles(int[] box) => box.Select(value => (double)value);

        static RunLengthMask Filled(int[] box)
        {
            var image = new Image(110, 110, 1);
            for (var y = box[1]; y < box[1] + box[3]; y++)
                image.Bytes.AsSpan(y * 110 + box[0], box[2]).Fill(1);
            return RunLengthMask.Of(image);
        }
    }

    [Fact]
    public void CocoAp_WithoutMasks_SaysWhatIsMissing()
    {
        var (info, predictions, samples) = MaskScenes.Scene(MaskScenes.Fixture.GetProperty("scenes")[0]);
        var options = new CocoApOptions(Types: [CocoIouType.Segm]);
        Assert.Contains("has boxes alone", Fault(prediction => prediction with { Masks = null }, truth => truth));
        Assert.Contains("\"with_masks\": true", Fault(prediction => prediction, truth => truth with { Masks = null }));
        Assert.Contains(
            "was expected",
            Fault(
                prediction => prediction with { Masks = [.. prediction.Masks!.Select(_ => new RunLengthMask(2, 2, [4]))] },
                truth => truth
            )
        );
        Assert.Contains("twice", Assert.Throws<UserErrorException>(() => new CocoApMetric(new(Types: [default, default]))).Message);

        string Fault(Func<DetectionPrediction, DetectionPrediction> found, Func<BoxAnnotation, BoxAnnotation> truth)
        {
            var sample = new Sample { Index = 0, Name = "one" };
            sample.Truth.BoxAnnotation = truth(samples[0].Truth.BoxAnnotation!);
            return Assert
                .Throws<UserErrorException>(() => CocoScenes.Values(options, info, [found((DetectionPrediction)predictions[0])], [sample]))
                .Message;
        }
    }
}
