using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Tests.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Optimization;

/// <summary>Lion, LAMB and Muon over five groups and 20 steps: the values of timm and of muon.py, and the same bits after a resume.</summary>
public sealed class RecipeOptimizerTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("optimization", "optimizer_recipes.json");
    private static readonly string[] s_names = ["wide.weight", "bias", "tall.weight", "conv.weight", "zero"];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, s_fixture.GetProperty("cases").GetArrayLength())];

    // Values up to 2 in float32. Newton-Schulz multiplies the smallest singular values, and their roundings, by 3.4 in each iteration.
    private static double Tolerance(string optimizer) => optimizer.Contains("Muon", StringComparison.Ordinal) ? 2e-5 : 2e-6;

    [Theory]
    [MemberData(nameof(Cases))]
    public void TwentySteps_FiveShapes_AreTheReferences(int index)
    {
        using var scope = NewDisposeScope();
        var fixture = s_fixture.GetProperty("cases")[index];
        var config = fixture.GetProperty("optimizer").GetRawText();
        using var run = new Run(config);
        var done = 0;
        foreach (var (kept, after) in s_fixture.GetProperty("kept").EnumerateArray().Zip(fixture.GetProperty("after").EnumerateArray()))
        {
            for (; done < kept.GetInt32(); done++)
                run.Step(done);
            foreach (var (i, values) in after.EnumerateArray().Index())
            {
                var expected = tensor(values.EnumerateArray().Select(value => value.GetSingle()).ToArray());
                var difference = (run.Parameters[i].detach().reshape(-1) - expected).abs().max().item<float>();
                Assert.True(difference < Tolerance(config), $"{config}: {s_names[i]} {difference} off after step {done}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void SaveAndLoad_AfterTenSteps_ContinuesBitForBit(int index)
    {
        using var scope = NewDisposeScope();
        var config = s_fixture.GetProperty("cases")[index].GetProperty("optimizer").GetRawText();
        using var whole = new Run(config);
        using var resumed = new Run(config);
        for (var t = 0; t < 10; t++)
            whole.Step(t);
        var state = new StateWriter();
        OptimizerMemory.Save(whole.Optimizer, whole.Names, state);
        var tensors = state.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        using (no_grad())
            foreach (var (to, from) in resumed.Parameters.Zip(whole.Parameters))
                to.copy_(from);
        var values = JsonNode.Parse(state.Values.ToJsonString())!.AsObject();
        OptimizerMemory.Load(resumed.Optimizer, resumed.Names, resumed.Parameters, new StateReader(tensors, values), rewind: false);
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
        using var run = new Run(s_fixture.GetProperty("cases")[index].GetProperty("optimizer").GetRawText());
        for (var t = 0; t < 3; t++)
            run.Step(t);
        var before = Live();
        for (var t = 3; t < 6; t++)
            run.Step(t);
        Assert.Equal(before, Live());

        static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount; // other threads run other tests
    }

    [Fact]
    public void Lamb_CorrectedDecayThatIsNotDecoupled_IsAUsersMistake() =>
        Assert.Throws<UserErrorException>(() => new Run("""{ "type": "Lamb", "corrected_weight_decay": true }"""));

    /// <summary>A group that has both is parted; matrices come first, with the group's multipliers.</summary>
    [Fact]
    public void Muon_Arrange_TakesHiddenMatricesThatNoPatternNames()
    {
        using var model = new TinyModel();
        var factory = TestComponents.Build<OptimizerFactory>(
            """{ "type": "Muon", "fallback": ["fc2"], "groups": { "fc1": { "lr_mult": 0.5 }, "norm": { "decay_mult": 0 } } }"""
        );
        var groups = factory.Arrange(ParameterGroups.Split(model, factory), model);
        Assert.Equal(
            ["fc1.weight", "fc1.bias", "bn.weight bn.bias", "fc2.weight fc2.bias"],
            groups.Select(group => string.Join(' ', group.Names))
        );
        Assert.Equal(
            [(0.5, 1, false), (0.5, 1, true), (1, 0, true), (1, 1, true)],
            groups.Select(group => (group.LrMult, group.DecayMult, group.IsFallback))
        );
        using var optimizer = factory.Create(groups);
        Assert.Equal([0.02 * 0.5, 3e-4 * 0.5, 3e-4, 3e-4], optimizer.ParamGroups.Select(group => group.LearningRate));
        Assert.Equal(groups.SelectMany(group => group.Parameters), optimizer.parameters());
    }

    [Theory]
    [InlineData("fc3", "no parameter's name matches \"fc3\"")]
    [InlineData("*", "none of those is trained here")]
    public void Muon_ArrangeWithoutMatrices_IsAUsersMistake(string fallback, string message)
    {
        using var model = new TinyModel();
        var factory = TestComponents.Build<OptimizerFactory>($$"""{ "type": "Muon", "fallback": ["{{fallback}}"] }""");
        var error = Assert.Throws<UserErrorException>(() => factory.Arrange(ParameterGroups.Split(model, factory), model));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>A stage of a pipeline sees its own gradients alone.</summary>
    [Theory]
    [InlineData("""{ "type": "Lamb" }""", true)]
    [InlineData("""{ "type": "Lamb", "max_grad_norm": 0 }""", false)]
    public void Lamb_InAPipeline_RefusesItsOwnClipping(string config, bool refused)
    {
        using var model = new TinyModel();
        var context = new StepContext
        {
            Group = new SingleProcess(),
            NormGroup = new SingleProcess(),
            Precision = PrecisionChoice.Full,
        };
        var factory = TestComponents.Build<OptimizerFactory>(config);
        if (refused)
            Assert.Contains(
                "max_grad_norm",
                Assert.Throws<UserErrorException>(() => new OptimizerHandle("optimizer", factory, model, context)).Message,
                StringComparison.Ordinal
            );
        else
            new OptimizerHandle("optimizer", factory, model, context).Dispose();
    }

    /// <summary>The fixture's parameters, each a group of its own; Muon's are put in its order.</summary>
    private sealed class Run : IDisposable
    {
        public Run(string config)
        {
            var shapes = Numbers("shapes").Select(shape => shape.EnumerateArray().Select(size => size.GetInt64()).ToArray()).ToArray();
            Parameters =
            [
                .. shapes.Select(
                    (shape, i) =>
                    {
                        var count = shape.Aggregate(1L, (product, size) => product * size);
                        return new Parameter(linspace(-2, 1.5, count).view(shape) * (i < shapes.Length - 1 ? 1 : 0));
                    }
                ),
            ];
            var (rates, decays) = (Numbers("rates"), Numbers("decays"));
            ParameterGroup[] groups =
            [
                .. Parameters.Select(
                    (parameter, i) => new ParameterGroup([s_names[i]], [parameter], rates[i].GetDouble(), decays[i].GetDouble())
                ),
            ];
            var factory = TestComponents.Build<OptimizerFactory>(config);
            if (factory is Muon)
                groups = [.. groups.OrderBy(group => group.Parameters[0].dim() < 2)];
            Parameters = [.. groups.SelectMany(group => group.Parameters)];
            Names = [.. groups.SelectMany(group => group.Names)];
            Optimizer = factory.Create(groups);
            Parameters = [.. s_names.Select(name => groups.Single(group => group.Names[0] == name).Parameters[0])];
        }

        public Parameter[] Parameters { get; }

        /// <summary>In the optimizer's order.</summary>
        public string[] Names { get; }

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

        public void Dispose() => Optimizer.Dispose();

        private static JsonElement[] Numbers(string name) => [.. s_fixture.GetProperty(name).EnumerateArray()];
    }
}
