using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation;

/// <summary>Identities that hold without a fixture, in float64 where a network takes part; and how methods are found by name.</summary>
public sealed class MethodTests
{
    private const string ResNet = """{ "type": "ResNet", "depth": 18, "base_channels": 8 }""";

    private const string Swin =
        """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [1, 2], "window_size": 3 }""";

    public static TheoryData<string> Names() => [.. ActivationMethods.Names(Build.Registry)];

    [Theory]
    [InlineData(ResNet)]
    [InlineData(Swin)]
    public void PooledLinear_HiResCamGradCamAndCam_AreOneMap(string config)
    {
        using var model = Explained.Classifier(config);
        model.to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 96).to(ScalarType.Float64);
        var target = Explained.Target(2, 4);
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var places = run.Activation.shape[2] * run.Activation.shape[3];
        var hires = new HiResCam().Contributions(run);
        Assert.Equal(ScalarType.Float64, hires.dtype);
        AssertEqual(hires, new GradCam().Contributions(run));
        AssertEqual(hires, new Cam().Contributions(run) / places);

        // What the places say adds up to the score without its bias.
        var bias = model.state_dict()["head.fc.bias"];
        AssertEqual(run.Scores - stack([bias[2], bias[4]]), hires.sum([1, 2, 3]));

        // A constant gradient is XGrad-CAM's weight itself, and LayerCAM keeps the positive part of it.
        AssertEqual(hires, new XGradCam().Contributions(run));
        AssertEqual(run.Gradient.clamp_min(0) * run.Activation, new LayerCam().Contributions(run));
    }

    [Fact]
    public void Cam_MaxPooling_IsTaken()
    {
        using var model = Explained.Classifier(ResNet, """{ "type": "LinearHead", "pooling": "max" }""");
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 64);
        var target = Explained.Target(2, 4);
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var weight = model.state_dict()["head.fc.weight"].index_select(0, tensor((long[])[2, 4]));
        AssertEqual(weight.unsqueeze(2).unsqueeze(3) * run.Activation, new Cam().Contributions(run));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Method_BatchOfSeveralClasses_GivesEachImageItsOwnMap(string name)
    {
        using var model = Explained.Classifier(ResNet);
        using var scope = NewDisposeScope();
        var images = Explained.Images(3, 64, 96);
        var target = Explained.Target(2, 4, 2);
        var layer = MapLayers.Find(model, images.narrow(0, 0, 1), target);
        var method = ActivationMethods.Find(name, Build.Builder);
        var explainer = new Explainer(model);
        var together = explainer.Explain(images, target, method, [layer]);
        Assert.Equal([3, 64, 96], together.Maps.shape);
        Assert.True(together.Maps.isfinite().all().item<bool>());
        for (var i = 0; i < 3; i++)
        {
            var alone = explainer.Map(images.narrow(0, i, 1), Explained.Target(target.Classes[i]), method, [layer]);
            AssertEqual(alone[0], together.Maps[i], 1e-4);
        }
        if (method.ReadsScore)
            return;
        var other = explainer.Map(images, Explained.Target(0, 0, 0), method, [layer]);
        AssertEqual(other, together.Maps);
    }

    // A network whose paddings are even on both sides sees a mirrored image mirrored, if its kernels are symmetric.
    [Theory]
    [MemberData(nameof(Names))]
    public void Method_MirroredImage_GivesTheMirroredMap(string name)
    {
        if (name == "random_cam")
            return; // another image has other weights
        using var model = Explained.Classifier(new OddBackbone()).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 33, 49).to(ScalarType.Float64);
        var target = Explained.Target(2, 4);
        var layer = MapLayers.Find(model, images, target);
        // The backbone is not linear between its ReLUs.
        var method = name == "full_grad" ? new FullGrad(new(Partial: true)) : ActivationMethods.Find(name, Build.Builder);
        using var run = new ExplainedRun(model, images, target, layer);
        foreach (var dimension in (long[])[2, 3])
        {
            using var mirrored = new ExplainedRun(model, images.flip(dimension), target, layer);
            AssertEqual(method.Contributions(run).sum(1).flip(dimension - 1), method.Contributions(mirrored).sum(1), 1e-6);
        }
    }

    [Fact]
    public void GradCamPlusPlus_SmallGradients_KeepTheirMap()
    {
        using var model = Explained.Classifier(new SharedActivationBackbone());
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 32, 32);
        var target = Explained.Target(1);
        var layer = MapLayers.Find(model, images, target);
        Tensor? before = null;
        foreach (var factor in new[] { 1e-3, 1e-3 }) // S g is far below 2 from here on, and the map scales with the weights
        {
            using (no_grad())
                model.state_dict()["head.fc.weight"].mul_(factor);
            using var run = new ExplainedRun(model, images, target, layer);
            var map = new GradCamPlusPlus().Contributions(run).sum(1);
            Assert.True(map.abs().max().item<float>() > 0);
            if (before is not null)
                AssertEqual(before * factor, map, 1e-2);
            before = map;
        }
    }

    [Theory]
    [InlineData("eigen_cam")]
    [InlineData("eigen_grad_cam")]
    [InlineData("kpca_cam")]
    public void Eigen_ClassThatSpeaksAgainst_TurnsTheMapOver(string name)
    {
        using var model = Explained.Classifier(ResNet);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 96);
        var target = Explained.Target(2, 2);
        var layer = MapLayers.Find(model, images, target);
        var method = ActivationMethods.Find(name, Build.Builder);
        using var run = new ExplainedRun(model, images, target, layer);
        var map = method.Contributions(run).squeeze(1);
        var shown = new HiResCam().Contributions(run).sum(1);
        Assert.All([0, 1], image => Assert.True(Correlation(map[image], shown[image]) > 0));

        // The other sign of the same weights: the score grows where it fell.
        using (no_grad())
            model.state_dict()["head.fc.weight"].neg_();
        using var against = new ExplainedRun(model, images, target, layer);
        AssertEqual(-map, method.Contributions(against).squeeze(1), 1e-4);
    }

    [Fact]
    public void EigenSmooth_OfOneDirection_IsTheSumCentred()
    {
        using var scope = NewDisposeScope();
        // All channels are multiples of one map, so that their first component is that map but for scale and mean.
        var one = Formula.Values("images", 2, 1, 5, 7);
        var channels = tensor((float[])[1, -0.2f, 0.5f]).view(1, 3, 1, 1);
        var found = PrincipalComponent.Of(one * channels);
        var expected = (one - one.mean([2, 3], keepdim: true)).squeeze(1) * Math.Sqrt(1 + 0.04 + 0.25);
        AssertEqual(expected, found);
        AssertEqual(-expected, PrincipalComponent.Of(one * channels, towards: -one.squeeze(1)));
        Assert.Equal(0, PrincipalComponent.Of(ones(1, 3, 4, 4) / 3).abs().max().item<float>());
        Assert.True(PrincipalComponent.Of(full(1, 3, 4, 4, float.NaN)).isnan().all().item<bool>());
    }

    [Fact]
    public void RandomCam_SameImage_HasTheSameMapInEveryBatch()
    {
        using var model = Explained.Classifier(ResNet);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 64);
        var target = Explained.Target(1, 1);
        var layer = MapLayers.Find(model, images.narrow(0, 0, 1), target);
        var explainer = new Explainer(model);
        var maps = explainer.Map(images, target, new RandomCam(new()), [layer]);
        var turned = explainer.Map(images.flip(0), target, new RandomCam(new()), [layer]);
        AssertEqual(maps.flip(0), turned);
        using var run = new ExplainedRun(model, images, target, layer);
        var weights = new RandomCam(new()).Contributions(run) / run.Activation;
        var other = new RandomCam(new(Seed: 1)).Contributions(run) / run.Activation;
        Assert.True((weights - other).abs().nan_to_num(0).max().item<float>() > 0.1);
        Assert.True(weights.nan_to_num(0).abs().max().item<float>() is > 0.5f and <= 1);
    }

    [Theory]
    [InlineData("grad_cam", "Grad-CAM")]
    [InlineData("GradCam", "Grad-CAM")]
    [InlineData("grad-cam", "Grad-CAM")]
    [InlineData("grad_cam++", "Grad-CAM++")]
    [InlineData("GradCAM++", "Grad-CAM++")]
    [InlineData("grad_cam_plus_plus", "Grad-CAM++")]
    [InlineData("hirescam", "HiResCAM")]
    [InlineData("fem", "FEM")]
    public void Find_NameAsPeopleWriteIt_GivesTheMethod(string name, string title) =>
        Assert.Equal(title, ActivationMethods.Find(name, Build.Builder).Title);

    [Fact]
    public void Find_Misspelt_NamesTheNearestAndAll()
    {
        var error = Assert.Throws<UserErrorException>(() => ActivationMethods.Find("grad_cams", Build.Builder));
        Assert.StartsWith(
            "No method of activation maps is named \"grad_cams\". Did you mean \"grad_cam\"? Known methods: ",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.All(ActivationMethods.Names(Build.Registry), name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    private static double Correlation(Tensor one, Tensor other)
    {
        var (a, b) = (one.to(ScalarType.Float64) - one.to(ScalarType.Float64).mean(), other.to(ScalarType.Float64));
        return (a * (b - b.mean())).sum().item<double>();
    }

    private static void AssertEqual(Tensor expected, Tensor actual, double? tolerance = null)
    {
        Assert.Equal(expected.shape, actual.shape);
        var limit = tolerance ?? (expected.dtype == ScalarType.Float64 ? 1e-10 : 1e-5);
        var difference = (expected - actual).abs().max().to(ScalarType.Float64).item<double>();
        Assert.True(difference <= limit * expected.abs().max().to(ScalarType.Float64).item<double>(), $"differs by {difference:g3}");
    }
}
