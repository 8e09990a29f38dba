using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Optimization;

/// <summary>Every optimizer that configs offer, over two groups and 20 steps: PyTorch's values, and the same bits after a resume.</summary>
public sealed class OptimizerGroupTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("optimization", "optimizer_groups.json");
    private static readonly string[] s_names = ["first.weight", "second.weight"];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, s_fixture.GetProperty("cases").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void TwentySteps_TwoGroups_ArePyTorchs(int index)
    {
        using var scope = NewDisposeScope();
        var fixture = s_fixture.GetProperty("cases")[index];
        var run = new Run(fixture.GetProperty("optimizer").GetRawText());
        var done = 0;
        foreach (var (kept, after) in s_fixture.GetProperty("kept").EnumerateArray().Zip(fixture.GetProperty("after").EnumerateArray()))
        {
            for (; done < kept.GetInt32(); done++)
                run.Step(done);
            foreach (var (i, values) in after.EnumerateArray().Index())
            {
                var expected = tensor(values.EnumerateArray().Select(value => value.GetSingle()).ToArray());
                var difference = (run.Parameters[i].detach().reshape(-1) - expected).abs().max().item<float>();
                Assert.True(difference < 1e-5, $"{fixture.GetProperty("optimizer")}: {difference} off after step {done}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void SaveAndLoad_AfterTenSteps_ContinuesBitForBit(int index)
    {
        using var scope = NewDisposeScope();
        var config = s_fixture.GetProperty("cases")[index].GetProperty("optimizer").GetRawText();
        var (whole, resumed) = (new Run(config), new Run(config));
        for (var t = 0; t < 10; t++)
            whole.Step(t);
        var state = new StateWriter();
        OptimizerMemory.Save(whole.Optimizer, s_names, state);
        var tensors = state.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        using (no_grad())
            foreach (var (to, from) in resumed.Parameters.Zip(whole.Parameters))
                to.copy_(from);
        var values = JsonNode.Parse(state.Values.ToJsonString())!.AsObject();
        OptimizerMemory.Load(resumed.Optimizer, s_names, resumed.Parameters, new StateReader(tensors, values), rewind: false);
        for (var t = 10; t < 20; t++)
        {
            whole.Step(t);
            resumed.Step(t);
        }
        foreach (var (a, b) in whole.Parameters.Zip(resumed.Parameters))
            Assert.True(a.Equals(b), config);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Steps_Repeated_LeaveNoTensorBehind(int index)
    {
        using var scope = NewDisposeScope();
        var run = new Run(s_fixture.GetProperty("cases")[index].GetProperty("optimizer").GetRawText());
        for (var t = 0; t < 3; t++)
            run.Step(t);
        var before = Live();
        for (var t = 3; t < 6; t++)
            run.Step(t);
        Assert.Equal(before, Live());

        static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount; // other threads run other tests
    }

    [Fact]
    public void Load_OtherOptimizersState_IsAUsersMistake()
    {
        using var scope = NewDisposeScope();
        var (sgd, adam) = (new Run("""{ "type": "Sgd", "lr": 0.1, "momentum": 0.9 }"""), new Run("""{ "type": "Adam" }"""));
        sgd.Step(0);
        var state = new StateWriter();
        OptimizerMemory.Save(sgd.Optimizer, s_names, state);
        var error = Assert.Throws<UserErrorException>(() =>
            OptimizerMemory.Load(adam.Optimizer, s_names, adam.Parameters, new StateReader(state.Tensors, state.Values), rewind: false)
        );
        Assert.Contains("first.weight.step", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "type": "Adam" }""")]
    [InlineData("""{ "type": "Adamax" }""")]
    public void Load_NumberThatIsNone_IsAUsersMistake(string config)
    {
        using var scope = NewDisposeScope();
        var run = new Run(config);
        run.Step(0);
        var state = new StateWriter();
        OptimizerMemory.Save(run.Optimizer, s_names, state);
        state.Values["first.weight.step"] = "many";
        Assert.Throws<UserErrorException>(() =>
            OptimizerMemory.Load(run.Optimizer, s_names, run.Parameters, new StateReader(state.Tensors, state.Values), rewind: false)
        );
    }

    [Theory]
    [InlineData("""{ "type": "Sgd", "lr": 0.1, "nesterov": true }""")]
    [InlineData("""{ "type": "Sgd", "lr": 0.1, "momentum": 0.9, "dampening": 0.1, "nesterov": true }""")]
    public void Create_NesterovWithoutMomentumOrWithDampening_IsAUsersMistake(string config)
    {
        using var scope = NewDisposeScope();
        Assert.Throws<UserErrorException>(() => new Run(config));
    }

    /// <summary>The fixture's two parameters, groups and gradients.</summary>
    private sealed class Run
    {
        public Run(string config)
        {
            Parameters = [new Parameter(linspace(-2, 1.5, 15).view(3, 5)), new Parameter(linspace(-1, 1, 7))];
            var factory = TestComponents.Build<OptimizerFactory>(config);
            Optimizer = factory.Create([
                new ParameterGroup([s_names[0]], [Parameters[0]], 1, 1),
                new ParameterGroup([s_names[1]], [Parameters[1]], 0.4, 0),
            ]);
        }

        public Parameter[] Parameters { get; }

        public optim.Optimizer Optimizer { get; }

        /// <summary>The fixture halves both rates after step 10.</summary>
        public void Step(int t)
        {
            using var scope = NewDisposeScope();
            foreach (var group in Optimizer.ParamGroups)
                group.LearningRate = group.InitialLearningRate * (t < 10 ? 1 : 0.5);
            foreach (var (i, parameter) in Parameters.Index())
                parameter.grad = (3 * parameter.detach() + i + arange(parameter.numel()).view(parameter.shape) + t / 2.0).sin();
            Optimizer.step();
        }
    }
}
