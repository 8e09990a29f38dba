using System.Text.Json;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Perturbation;

/// <summary>Maps against tests/Fixtures/explanation/perturbation.json: PyTorch's autograd and the papers' formulas, scikit-learn's
/// factorization.</summary>
public sealed class PerturbationParityTests
{
    private static readonly JsonElement s_network = FixtureFile.Json("explanation", "cam.json");
    private static readonly JsonElement s_fixture = FixtureFile.Json("explanation", "perturbation.json");

    public static TheoryData<string, string> Maps()
    {
        var data = new TheoryData<string, string>();
        foreach (var layer in s_fixture.GetProperty("layers").EnumerateObject())
        foreach (var method in layer.Value.EnumerateObject())
            data.Add(layer.Name, method.Name);
        return data;
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Contributions_OfALayer_AddUpToTheFixturesMap(string layer, string method)
    {
        using var model = Load();
        using var scope = NewDisposeScope();
        using var run = Run(model, layer);
        var map = ActivationMethods.Find(method, Build.Builder).Contributions(run);
        Assert.False(map.requires_grad);
        var expected = FixtureBackbone.Values(s_fixture.GetProperty("layers").GetProperty(layer).GetProperty(method));
        PerturbationTests.AssertNear(expected, map.sum(1), 1e-6);
    }

    [Fact]
    public void GuidedBackprop_Gradient_IsTheFixtures()
    {
        using var model = Load();
        using var scope = NewDisposeScope();
        using var run = Run(model, "act1");
        PerturbationTests.AssertNear(
            FixtureBackbone.Values(s_fixture.GetProperty("guided")),
            new GuidedBackprop(new()).Gradient(run),
            1e-6
        );
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    public void Factors_LeaveNoMoreThanScikitLearnsDo(int components)
    {
        using var scope = NewDisposeScope();
        var stored = s_fixture.GetProperty("factors");
        var v = FixtureBackbone.Values(stored.GetProperty("v"));
        var (w, h) = NonnegativeFactors.Of(v, components, 2000);
        Assert.True(w.ge(0).all().item<bool>() && h.ge(0).all().item<bool>());
        var left = (v - w.matmul(h)).square().sum().item<double>();
        Assert.InRange(left, 0, stored.GetProperty($"{components}").GetDouble() * 1.001);
    }

    private static VisionModel Load() => FixtureBackbone.Load(s_network).to(ScalarType.Float64);

    private static ExplainedRun Run(VisionModel model, string layer)
    {
        var classes = s_network.GetProperty("classes").EnumerateArray().Select(value => value.GetInt32()).ToArray();
        var images = FixtureBackbone.Values(s_network.GetProperty("images"));
        var target = new ClassTarget(classes, ["a", "b", "c", "d"]);
        return new ExplainedRun(model, images, target, MapLayers.Named(model, $"backbone.{layer}", images, target));
    }
}
