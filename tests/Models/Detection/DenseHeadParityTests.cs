using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Heads;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>ATSS, GFL and RTMDet against MMDetection's own heads: outputs, losses, gradients and boxes; see make_dense.py.</summary>
public sealed class DenseHeadParityTests
{
    private const double Tolerance = 2e-4;

    private static readonly (int Height, int Width) _size = (128, 160);

    [Theory]
    [InlineData("mmdet_atss", """{ "type": "AtssHead", "stacked_convs": 2 }""")]
    [InlineData("mmdet_gfl", """{ "type": "GflHead", "stacked_convs": 2, "reg_max": 12 }""")]
    [InlineData("mmdet_rtmdet", """{ "type": "RtmdetHead" }""")]
    [InlineData("mmdet_rtmdet_exp", """{ "type": "RtmdetHead", "exp_on_reg": true }""")]
    public void Head_FormulaWeights_MatchesMmdetection(string fixture, string json)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        var strides = expected.GetProperty("strides").EnumerateArray().Select(stride => stride.GetInt32()).ToArray();
        using var head = Formula.Fill(Build.From<BoxHead>(json, new NarrowSource(strides), Build.Classes(3, DataTask.Detection)));
        Shift(head, fixture);
        head.eval();
        using var scope = NewDisposeScope();
        var maps = Array.ConvertAll(
            strides,
            stride => Formula.Values("images", 2, 32, Ceiling(_size.Height, stride), Ceiling(_size.Width, stride))
        );
        var outputs = head.call(maps);
        AssertOutputs(expected.GetProperty("outputs"), outputs, strides, fixture);

        var losses = head.Losses(outputs, Truths(expected), _size);
        var wanted = expected.GetProperty("losses").EnumerateObject().ToArray();
        Assert.Equal(wanted.Select(loss => loss.Name).Order(), losses.Select(loss => loss.Key).Order());
        foreach (var loss in wanted)
            Assert.Equal(loss.Value.GetDouble(), losses[loss.Name].item<float>(), 1e-4 * Math.Max(1, loss.Value.GetDouble()));
        losses.Total().backward();
        var parameters = head.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        foreach (var gradient in expected.GetProperty("gradients").EnumerateObject())
            ParityTests.AssertClose(gradient.Value, parameters[gradient.Name].grad!, $"{fixture}: gradient of {gradient.Name}", 1e-3);

        AssertCandidates(expected.GetProperty("candidates"), head.Candidates(outputs, _size, new CandidateLimits(0.3f, 30)));
    }

    // As make_dense.py moves what the formula gives.
    private static void Shift(BoxHead head, string fixture)
    {
        using var _ = no_grad();
        foreach (var (name, parameter) in head.named_parameters())
        {
            if (fixture == "mmdet_gfl" && name == "gfl_reg.weight")
                parameter.mul_(2);
            if (fixture == "mmdet_rtmdet" && name.StartsWith("rtm_reg", StringComparison.Ordinal))
            {
                if (name.EndsWith("weight", StringComparison.Ordinal))
                    parameter.mul_(0.5);
                else
                    parameter.add_(3);
            }
        }
    }

    private static void AssertOutputs(JsonElement expected, Tensor[] outputs, int[] strides, string fixture)
    {
        Assert.Equal(expected.GetArrayLength(), outputs.Length);
        for (var i = 0; i < outputs.Length; i++)
        {
            // There, RTMDet's distances are in pixels.
            var pixels = fixture.StartsWith("mmdet_rtmdet", StringComparison.Ordinal) && i >= strides.Length;
            var found = pixels ? outputs[i] * strides[i - strides.Length] : outputs[i];
            ParityTests.AssertClose(expected[i], found.detach(), $"{fixture}: output {i}", Tolerance);
        }
    }

    private static TruthBoxes[] Truths(JsonElement expected)
    {
        float[] corners =
        [
            .. expected.GetProperty("boxes").EnumerateArray().SelectMany(box => box.EnumerateArray()).Select(n => n.GetSingle()),
        ];
        int[] labels = [.. expected.GetProperty("labels").EnumerateArray().Select(n => n.GetInt32())];
        return [new(BoxArray.Of(corners), labels, BoxArray.Empty), new(BoxArray.Empty, [], BoxArray.Empty)];
    }

    /// <summary>The best boxes, cut off at the image's sides, as there.</summary>
    private static void AssertCandidates(JsonElement expected, IReadOnlyList<Tessera.Models.Detection.Suppression.Candidates> found)
    {
        for (var image = 0; image < found.Count; image++)
        {
            var (one, wanted) = (found[image], expected[image]);
            Assert.Equal(wanted.GetProperty("count").GetInt32(), one.Count);
            int[] order = [.. Enumerable.Range(0, one.Count).OrderByDescending(i => one.Scores[i])];
            for (var i = 0; i < wanted.GetProperty("scores").GetArrayLength(); i++)
            {
                Assert.Equal(wanted.GetProperty("scores")[i].GetDouble(), one.Scores[order[i]], 1e-4);
                Assert.Equal(wanted.GetProperty("labels")[i].GetInt32(), one.Labels[order[i]]);
                for (var side = 0; side < 4; side++)
                    Assert.Equal(
                        wanted.GetProperty("boxes")[i][side].GetDouble(),
                        Math.Clamp(one.Corners[(order[i] * 4) + side], 0, side % 2 == 0 ? _size.Width : _size.Height),
                        1e-2
                    );
            }
        }
    }

    private static long Ceiling(int size, int stride) => (size + stride - 1) / stride;

    private sealed record NarrowSource(int[] Strides) : IFeatureSource
    {
        public IReadOnlyList<int> OutChannels { get; } = [.. Strides.Select(_ => 32)];

        public IReadOnlyList<int> OutStrides => Strides;
    }
}
