using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Tests.Framework.Running;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Optimization;

public sealed class OptimizerTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("optimization", "optimizers.json");

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, s_fixture.GetProperty("cases").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Steps_OnAQuadratic_ArePyTorchs(int index)
    {
        var fixture = s_fixture.GetProperty("cases")[index];
        var config = fixture.GetProperty("optimizer").GetRawText();
        using var model = new Quadratic();
        using var trainer = TrainerTests.Make(
            model,
            loop: TrainerTests.Iterations(s_fixture.GetProperty("steps").GetInt32()),
            optimizers: new() { ["optimizer"] = TestComponents.Build<OptimizerFactory>(config) }
        );
        trainer.Run();
        var expected = fixture.GetProperty("weight").EnumerateArray().Select(v => v.GetSingle()).ToArray();
        Assert.True(
            TrainerTests.MaxDifference(expected, model.Values) < 2e-5,
            $"{config}: {string.Join(", ", model.Values)} instead of {string.Join(", ", expected)}"
        );
    }

    /// <summary>Σ scale (w - goal)².</summary>
    private sealed class Quadratic : VisionModel
    {
        private readonly Parameter weight = new(Fixture("start"));

        public Quadratic()
            : base(nameof(Quadratic)) => RegisterComponents();

        public float[] Values => weight.detach().data<float>().ToArray();

        public override LossMap Loss(Batch batch, Progress progress) =>
            new() { ["distance"] = (Fixture("scale") * (weight - Fixture("goal")).pow(2)).sum() };

        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();

        private static Tensor Fixture(string name) =>
            tensor(s_fixture.GetProperty(name).EnumerateArray().Select(v => v.GetSingle()).ToArray());
    }
}
