using System.Text.Json;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation;

/// <summary>Maps against tests/Fixtures/explanation/cam.json: gradients by PyTorch, formulas by numpy and scikit-learn.</summary>
public sealed class MethodParityTests
{
    private static readonly JsonElement _fixture = FixtureFile.Json("explanation", "cam.json");

    public static TheoryData<string, string> Maps()
    {
        var data = new TheoryData<string, string>();
        foreach (var layer in _fixture.GetProperty("layers").EnumerateObject())
        foreach (var method in layer.Value.GetProperty("maps").EnumerateObject())
            data.Add(layer.Name, method.Name);
        return data;
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Contributions_OfALayer_AddUpToTheFixturesMap(string layer, string method)
    {
        using var model = FixtureBackbone.Load(_fixture);
        using var scope = NewDisposeScope();
        using var run = Run(model, layer);
        var stored = _fixture.GetProperty("layers").GetProperty(layer);
        AssertClose(FixtureBackbone.Values(stored.GetProperty("activation")), run.Activation);
        AssertClose(FixtureBackbone.Values(stored.GetProperty("gradient")), run.Gradient);
        var contributions = ActivationMethods.Find(method, Build.Builder).Contributions(run);
        Assert.False(contributions.requires_grad);
        AssertClose(FixtureBackbone.Values(stored.GetProperty("maps").GetProperty(method)), contributions.sum(1));
    }

    [Theory]
    [InlineData("conv1")]
    [InlineData("act1")]
    [InlineData("act2")]
    public void Map_AtTheImagesSize_IsCutOffEnlargedAndScaled(string layer)
    {
        using var model = FixtureBackbone.Load(_fixture);
        using var scope = NewDisposeScope();
        var (images, target) = Given();
        var found = MapLayers.Named(model, $"backbone.{layer}", images, target);
        var method = ActivationMethods.Find("grad_cam", Build.Builder);
        var map = Explainer.Unit(new Explainer(model).Map(images, target, method, [found]));
        AssertClose(FixtureBackbone.Values(_fixture.GetProperty("layers").GetProperty(layer).GetProperty("grad_cam_shown")), map);
    }

    [Fact]
    public void Cam_LayerBehindWhichMoreFollows_IsRefused()
    {
        using var model = FixtureBackbone.Load(_fixture);
        using var run = Run(model, "act1");
        var error = Assert.Throws<UserErrorException>(() => ActivationMethods.Find("cam", Build.Builder).Contributions(run));
        Assert.Contains("CAM can't explain ImageClassifier at \"backbone.act1\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("Take \"grad_cam\"", error.Message, StringComparison.Ordinal);
    }

    private static ExplainedRun Run(VisionModel model, string layer)
    {
        var (images, target) = Given();
        return new ExplainedRun(model, images, target, MapLayers.Named(model, $"backbone.{layer}", images, target));
    }

    private static (Tensor Images, ClassTarget Target) Given()
    {
        var classes = _fixture.GetProperty("classes").EnumerateArray().Select(value => value.GetInt32()).ToArray();
        var images = FixtureBackbone.Values(_fixture.GetProperty("images")).to(ScalarType.Float32);
        return (images, new ClassTarget(classes, ["a", "b", "c", "d"]));
    }

    // Relative to the greatest value of all.
    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var difference = (expected - actual.to(ScalarType.Float64)).abs().max().item<double>() / expected.abs().max().item<double>();
        Assert.True(difference < 1e-5, $"differs by {difference:g3} of the greatest value");
    }
}
