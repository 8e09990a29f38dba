using System.Text.Json;
using Tessera.Framework.Models;
using Tessera.Models.Heads;
using Tessera.Models.TaskModels;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Models.Explanation;

/// <summary>The network of tests/Fixtures/explanation/make_cam.py.</summary>
internal sealed class FixtureBackbone : Backbone
{
    private readonly Conv2d conv1 = Conv2d(3, 6, 3, stride: 2, padding: 1);
    private readonly ReLU act1 = ReLU();
    private readonly Conv2d conv2 = Conv2d(6, 8, 3, padding: 1);
    private readonly Tanh act2 = Tanh();

    public FixtureBackbone()
        : base(nameof(FixtureBackbone)) => RegisterComponents();

    public override IReadOnlyList<int> OutChannels => [8];

    public override IReadOnlyList<int> OutStrides => [2];

    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        return [scope.MoveToOuter(act2.call(conv2.call(act1.call(conv1.call(images)))))];
    }

    /// <summary>The classifier with the fixture's weights, in evaluation mode.</summary>
    public static VisionModel Load(JsonElement fixture)
    {
        var backbone = new FixtureBackbone();
        var info = Build.Classes(4);
        var model = new ImageClassifier(backbone, null, new LinearHead(new(), backbone, info), info);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        foreach (var (key, value) in model.state_dict())
        {
            var stored = key.Replace("backbone.", "", StringComparison.Ordinal).Replace("head.", "", StringComparison.Ordinal);
            value.copy_(Values(fixture.GetProperty("state").GetProperty(stored)));
        }
        model.eval();
        return model;
    }

    /// <summary>A stored tensor, in float64.</summary>
    public static Tensor Values(JsonElement packed) =>
        tensor([.. packed.GetProperty("data").EnumerateArray().Select(value => value.GetDouble())])
            .reshape([.. packed.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())]);
}
