using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation;

/// <summary>What is made of contributions: verdicts, scaling, several layers, smoothing.</summary>
public sealed class ExplainerTests
{
    // Contributions that a test chooses, whatever the run.
    private sealed class Given(Func<ExplainedRun, Tensor> contributions, bool keepsPositive = true) : ActivationMethod
    {
        public override string Title => "Given";

        public override bool KeepsPositive => keepsPositive;

        public override Tensor Contributions(ExplainedRun run) => contributions(run);
    }

    [Fact]
    public void Explain_MapsThatSayNothing_AreToldAndNotStretched()
    {
        using var scope = NewDisposeScope();
        var slope = linspace(0, 1, 8 * 8).view(1, 8, 8);
        var noise = full(1, 8, 8, 3.0f) + (slope * 1e-6f);
        var broken = slope.clone();
        broken[0, 2, 3] = float.NaN;
        var endless = slope.clone();
        endless[0, 2, 3] = float.PositiveInfinity;
        var maps = cat([slope - 0.5f, full(1, 8, 8, 2.0f), zeros(1, 8, 8), slope - 2, noise, broken, endless]);

        var found = Explain(7, _ => maps.unsqueeze(1));
        Assert.Equal(
            [
                MapVerdict.Useful,
                MapVerdict.Constant,
                MapVerdict.Constant,
                MapVerdict.NegativeEverywhere,
                MapVerdict.Constant,
                MapVerdict.NotFinite,
                MapVerdict.NotFinite,
            ],
            found.Ranges.Select(range => range.Verdict)
        );
        Assert.Equal((-0.5, 0.5), (found.Ranges[0].Least, found.Ranges[0].Greatest));
        Assert.Equal((-2.0, -1.0), (found.Ranges[3].Least, found.Ranges[3].Greatest));
        Assert.Equal(double.PositiveInfinity, found.Ranges[6].Greatest);
        Assert.True(double.IsNaN(found.Ranges[5].Least));

        var shown = Explainer.Unit(found.Maps);
        Assert.Equal((0f, 1f), (shown[0].min().item<float>(), shown[0].max().item<float>()));
        Assert.Equal(0, shown.narrow(0, 1, 6).abs().max().item<float>());

        // Where all values count, those below zero are shown.
        var whole = Explain(7, _ => maps.unsqueeze(1), keepsPositive: false);
        Assert.Equal(MapVerdict.Useful, whole.Ranges[3].Verdict);
        Assert.Equal(1, Explainer.Unit(whole.Maps)[3].max().item<float>());
    }

    [Fact]
    public void Explain_SeveralLayers_TakesTheMeanOfScaledMaps()
    {
        using var model = Explained.Classifier("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""");
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 96);
        var target = Explained.Target(1, 3);
        MapLayer[] layers =
        [
            MapLayers.Named(model, "backbone.layer4", images, target),
            MapLayers.Named(model, "backbone.layer2", images, target),
        ];
        var explainer = new Explainer(model);
        var single = layers.Select(layer => explainer.Explain(images, target, new LayerCam(), [layer])).ToArray();
        var both = explainer.Explain(images, target, new LayerCam(), layers);
        var expected = (Explainer.Unit(single[0].Maps) + Explainer.Unit(single[1].Maps)) / 2;
        Assert.True(both.Maps.allclose(expected, atol: 1e-6));
        Assert.Equal(single.Max(one => one.Ranges[1].Greatest), both.Ranges[1].Greatest);

        // The caller's order means nothing.
        var turned = explainer.Map(images, target, new LayerCam(), [layers[1], layers[0]]);
        Assert.True(turned.allclose(both.Maps, atol: 1e-6));
    }

    [Fact]
    public void Explain_OneLayerThatSaysNothing_LeavesTheOthersVerdict()
    {
        MapRange useful = new(MapVerdict.Useful, 0, 1);
        MapRange constant = new(MapVerdict.Constant, 2, 2);
        MapRange negative = new(MapVerdict.NegativeEverywhere, -3, -1);
        MapRange broken = new(MapVerdict.NotFinite, double.NaN, double.NaN);
        Assert.Equal(new MapRange(MapVerdict.Useful, -3, 2), MapRange.Together([constant, useful, negative]));
        Assert.Equal(MapVerdict.Constant, MapRange.Together([constant, constant]).Verdict);
        Assert.Equal(MapVerdict.NegativeEverywhere, MapRange.Together([negative, constant]).Verdict);
        Assert.Equal(MapVerdict.NotFinite, MapRange.Together([useful, broken]).Verdict);
    }

    [Fact]
    public void AugSmooth_SixPasses_AskForOneClassAndTurnTheirMapsBack()
    {
        using var model = Explained.Classifier("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""");
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 64);
        var target = Explained.Target(1, 3);
        var layer = MapLayers.Find(model, images, target);
        var seen = new List<int[]>();
        var method = new Given(run =>
        {
            seen.Add([.. ((ClassTarget)run.Target).Classes]);
            return new GradCam().Contributions(run);
        });
        var smoothed = new Explainer(model, new ExplainerOptions(AugSmooth: true)).Map(images, target, method, [layer]);

        var plain = new Explainer(model);
        var expected = zeros_like(smoothed);
        foreach (var factor in new[] { 0.9, 1, 1.1 })
        {
            expected += Explainer.Unit(plain.Map(images * factor, target, method, [layer])) / 6;
            expected += Explainer.Unit(plain.Map(images.flip(3) * factor, target, method, [layer])).flip(2) / 6;
        }
        Assert.True(smoothed.allclose(expected, atol: 1e-6));
        Assert.All(seen, classes => Assert.Equal([1, 3], classes));
        Assert.Equal(12, seen.Count);
    }

    [Fact]
    public void EigenSmooth_Contributions_AreProjectedInPlaceOfSummed()
    {
        using var scope = NewDisposeScope();
        var one = Formula.Values("images", 1, 1, 8, 8);
        var contributions = one * tensor((float[])[1, -0.2f, 0.5f]).view(1, 3, 1, 1);
        var found = Explain(1, _ => contributions, options: new ExplainerOptions(EigenSmooth: true));
        var expected = (one - one.mean()).squeeze(1).clamp_min(0) * Math.Sqrt(1 + 0.04 + 0.25);
        Assert.True(Explainer.Unit(found.Maps).allclose(Explainer.Unit(Enlarged(expected)), atol: 1e-5));
    }

    private static ActivationMaps Explain(
        int images,
        Func<ExplainedRun, Tensor> contributions,
        bool keepsPositive = true,
        ExplainerOptions? options = null
    )
    {
        using var model = Explained.Classifier(new FunctionalBackbone());
        using var pixels = Explained.Images(images, 32, 32);
        var target = Explained.Target(new int[images]);
        var layer = MapLayers.Find(model, pixels, target);
        return new Explainer(model, options).Explain(pixels, target, new Given(contributions, keepsPositive), [layer]);
    }

    private static Tensor Enlarged(Tensor maps) =>
        nn.functional.interpolate(maps.unsqueeze(1), [32, 32], mode: InterpolationMode.Bilinear, align_corners: false).squeeze(1);
}
