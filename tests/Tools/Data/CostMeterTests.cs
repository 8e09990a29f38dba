using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Tools.Costs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Data;

/// <summary>Models as a plugin may write them: modules of any inputs and outputs, and work that no module does.</summary>
[Collection(InProcess.Name)]
public sealed class CostMeterTests
{
    // An image [1, 3, 6, 8]: the convolution gives [1, 4, 6, 8]; the mixer multiplies its rows, [24, 8], with [8, 5] and with [8, 8];
    // the model itself multiplies once more.
    private const long Convolution = 3 * 3 * 3 * 4 * 6 * 8,
        Mixing = 24 * 8 * 5 + 24 * 8 * 8,
        Own = 24 * 5 * 5;

    [Fact]
    public void ModulesOfAnyKind_AndTheModelsOwnWork_AreCountedWhereTheyHappen()
    {
        using var model = new Odd();
        var cost = CostMeter.Measure(model, 6, 8);
        Assert.Equal(2 * Convolution + 2 * Mixing + Own, cost.Counts.MultiplyAdds);
        Assert.Equal(2 * 192 + 2 * 24 * (5 + 8) + 24 * 5, cost.Counts.Activations);
        Assert.Equal(["", "stem", "mixer", "idle", "stem.conv", "idle.0"], cost.Modules.Select(module => module.Name));
        Assert.Equal((2, 2 * Convolution, "[1, 4, 6, 8]"), Of("stem.conv"));
        Assert.Equal((2, 2 * Convolution, "[1, 4, 6, 8]"), Of("stem"));
        Assert.Equal((2, 2 * Mixing, "[24, 5] [24, 8]"), Of("mixer"));
        Assert.Equal((0, 0, null), Of("idle"));
        // One convolution takes another room of 192 float32 for its result; what is done in place takes none.
        foreach (var module in cost.Modules.Where(module => module.Name.StartsWith("stem", StringComparison.Ordinal)))
            Assert.Equal((4 * 3 * 9, 4 * 3 * 9, 2 * 192 * 4), (module.Parameters, module.Frozen, module.Counts.Bytes));

        (int, long, string?) Of(string name) =>
            cost.Modules.Single(module => module.Name == name) is var module
                ? (module.Calls, module.Counts.MultiplyAdds, module.Output)
                : default;
    }

    [Fact]
    public void Model_IsLeftAsItWas()
    {
        using var model = new Odd();
        model.train();
        using var scope = NewDisposeScope();
        var before = model.state_dict().Select(entry => (entry.Key, entry.Value.clone())).ToArray();
        _ = CostMeter.Measure(model, 6, 8);
        _ = CostMeter.Measure(model, 6, 8); // hooks of the first are gone: calls would be twice as many
        Assert.Equal(2, CostMeter.Measure(model, 6, 8).Modules.Single(module => module.Name == "stem").Calls);
        Assert.True(model.training);
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad is null));
        Assert.All(before, entry => Assert.True(model.state_dict()[entry.Key].allclose(entry.Item2, 0, 0)));
        model.Fail = true;
        Assert.Throws<NotImplementedException>(() => CostMeter.Measure(model, 6, 8));
        Assert.True(model.training);
        model.Fail = false;
        Assert.Equal(2 * Convolution + 2 * Mixing + Own, CostMeter.Measure(model, 6, 8).Counts.MultiplyAdds);
    }

    private sealed class Stem : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d conv = nn.Conv2d(3, 4, 3, padding: 1, bias: false);

        public Stem()
            : base(nameof(Stem))
        {
            RegisterComponents();
            conv.weight!.requires_grad_(false);
        }

        public override Tensor forward(Tensor input) => conv.call(input).relu_();
    }

    private sealed class Mixer() : nn.Module<Tensor, bool, (Tensor First, Tensor Second)>(nameof(Mixer))
    {
        public override (Tensor First, Tensor Second) forward(Tensor rows, bool flag) =>
            (einsum("nd,dk->nk", rows, ones(8, flag ? 5 : 1)), rows.matmul(eye(8)));
    }

    private sealed class Odd : VisionModel
    {
        private readonly Stem stem = new();
        private readonly Mixer mixer = new();
        private readonly ModuleList<nn.Module<Tensor, Tensor>> idle = new(nn.Identity());

        public Odd()
            : base(nameof(Odd)) => RegisterComponents();

        public bool Fail { get; set; }

        public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public override IReadOnlyList<Prediction> Predict(Batch batch)
        {
            Tensor last = zeros(0);
            for (var i = 0; i < 2; i++)
                last = mixer.call(stem.call(batch.Images).flatten(0, 2), true).First;
            if (Fail)
                throw new NotImplementedException();
            return last.mm(ones(5, 5)).numel() == 120 ? [] : throw new InvalidOperationException();
        }
    }
}
