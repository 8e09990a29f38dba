using System.Text.Json.Nodes;
using Tessera.Torch.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Optim;

public class OptimizerStateTests
{
    public static TheoryData<string> Own =>
        ["SGD", "SGD_Momentum", "SGD_Nesterov", "Adam", "Adam_Amsgrad", "AdamW", "AdamW_Amsgrad", "RAdam", "LBFGS"];

    /// <summary>Three steps, a copy of weights and state into a fresh optimizer, three more steps of both: no bit may differ.</summary>
    [Theory]
    [MemberData(nameof(Own))]
    public void SaveAndLoad_AfterThreeSteps_ContinuesBitForBit(string name)
    {
        using var scope = NewDisposeScope();
        var trajectory = Fixture.Case("optimizers.json", name);
        var (first, second) = (OptimizerParityTests.Start(trajectory), OptimizerParityTests.Start(trajectory));
        using var source = (OwnOptimizer)OptimizerParityTests.s_optimizers[name].Make(first);
        using var target = (OwnOptimizer)OptimizerParityTests.s_optimizers[name].Make(second);
        for (var t = 0; t < 3; t++)
            source.step(() => OptimizerParityTests.Loss(source, first, t));
        using (no_grad())
            foreach (var (to, from) in second.Zip(first))
                to.copy_(from);
        var saved = new Saved(source);
        Assert.Null(target.Load(Saved.Names, saved.Tensor, saved.Value));
        Assert.Equal(saved.Tensors.Keys, new Saved(target).Tensors.Keys);
        for (var t = 3; t < 6; t++)
        {
            source.step(() => OptimizerParityTests.Loss(source, first, t));
            target.step(() => OptimizerParityTests.Loss(target, second, t));
        }
        foreach (var (mine, theirs) in second.Zip(first))
            Assert.True(mine.Equals(theirs));
        Assert.NotEqual(OptimizerParityTests.Start(trajectory)[0], second[0]);
    }

    [Fact]
    public void Save_AdamWithAmsgrad_HasTheNamesOfCheckpoints()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (new Parameter(ones(2)), new Parameter(ones(3)));
        using var optimizer = new AdamOptimizer([new BetasGroup([a, b], 0.1)], decoupled: true, amsgrad: true);
        a.grad = ones(2);
        optimizer.step();
        var saved = new Saved(optimizer);
        Assert.Equal(["a.exp_avg", "a.exp_avg_sq", "a.max_exp_avg_sq"], saved.Tensors.Keys);
        Assert.Equal((1L, 0L), ((long)saved.Value("a.step")!, (long)saved.Value("b.step")!)); // b has had no gradient
    }

    [Theory]
    [InlineData("a.exp_avg_sq", null)]
    [InlineData("a.exp_avg_sq", 5L)]
    [InlineData("a.step", null)]
    public void Load_PartMissingOrOfAnotherShape_NamesIt(string key, long? size)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (new Parameter(ones(2)), new Parameter(ones(3)));
        AdamOptimizer Make() => new([new BetasGroup([a, b], 0.1)], decoupled: false);
        using var optimizer = Make();
        (a.grad, b.grad) = (ones(2), ones(3));
        optimizer.step();
        var saved = new Saved(optimizer);
        saved.Tensors.Remove(key);
        if (size is { } length)
            saved.Tensors.Add(key, ones(length));
        if (key.EndsWith(".step", StringComparison.Ordinal))
            saved.Values.Remove(key);
        using var other = Make();
        Assert.Equal(key, other.Load(Saved.Names, saved.Tensor, saved.Value));
    }

    [Theory]
    [InlineData("history", 1_000_000_000, "history.2.step")]
    [InlineData("length", null, "length")]
    public void LoadLbfgs_DamagedValues_NamesWhatIsMissing(string key, int? value, string missing)
    {
        using var scope = NewDisposeScope();
        var a = new Parameter(tensor(new[] { 1f, 2f }));
        LbfgsOptimizer Make() => new(new OptimizerGroup([a], 0.1), maxIterations: 3);
        using var optimizer = Make();
        optimizer.step(() =>
        {
            optimizer.zero_grad();
            var loss = (a * a * a * a).sum();
            loss.backward();
            return loss;
        });
        var saved = new Saved(optimizer);
        saved.Values[key] = value;
        using var other = Make();
        Assert.Equal(missing, other.Load(["a"], saved.Tensor, saved.Value));
    }

    [Fact]
    public void Groups_OwnRatesAndDecay_AreKept()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (new Parameter(ones(2)), new Parameter(ones(2)));
        using var optimizer = new AdamOptimizer([new BetasGroup([a], 0.1, 0.5), new BetasGroup([b], 0.1, 0.25)], decoupled: true);
        // No gradient but weight decay only: p (1 - lr decay), where the second group's learning rate is 0.
        optimizer.ParamGroups.Last().LearningRate = 0;
        (a.grad, b.grad) = (zeros(2), zeros(2));
        optimizer.step();
        Assert.Equal(1 - 0.1 * 0.5, a.data<float>()[0], 1e-6);
        Assert.Equal(1f, b.data<float>()[0]);
        Assert.Equal([0.1, 0.1], optimizer.ParamGroups.Select(group => group.InitialLearningRate));
    }

    [Fact]
    public void Step_ParameterWithoutGradient_IsLeftAlone()
    {
        using var scope = NewDisposeScope();
        var (with, without) = (new Parameter(ones(2)), new Parameter(ones(2)));
        using var optimizer = new SgdOptimizer([new MomentumGroup([with, without], 0.5, 0.1, 0.9)]);
        with.grad = ones(2);
        optimizer.step();
        Assert.Equal(1 - 0.5 * 1.1, with.data<float>()[0], 1e-6);
        Assert.Equal(1f, without.data<float>()[0]);
        Assert.Equal(["a.momentum_buffer"], new Saved(optimizer).Tensors.Keys);
    }

    [Fact]
    public void New_ParameterTwice_Throws()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(ones(2));
        Assert.Throws<ArgumentException>(() =>
            new SgdOptimizer([new MomentumGroup([parameter], 0.1), new MomentumGroup([parameter], 0.1)])
        );
    }

    /// <summary>Where momentum is set to something else by a schedule, the next step has it.</summary>
    [Fact]
    public void Momentum_SetOnTheGroup_IsUsed()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(zeros(1));
        using var optimizer = new SgdOptimizer([new MomentumGroup([parameter], 1, momentum: 0.5)]);
        parameter.grad = ones(1);
        optimizer.step(); // b = 1, p = -1
        ((optim.IMomentum)optimizer.ParamGroups.Single()).Momentum = 0.25;
        optimizer.step(); // b = 1.25, p = -2.25
        Assert.Equal(-2.25f, parameter.detach().item<float>());
    }

    [Theory]
    [InlineData("SGD_Momentum")]
    [InlineData("AdamW_Amsgrad")]
    [InlineData("RAdam")]
    [InlineData("LBFGS")]
    public void Steps_OutsideAnyScope_LeaveNoTensorBehind(string name)
    {
        var parameters = OptimizerParityTests.Start(Fixture.Case("optimizers.json", name));
        using var optimizer = OptimizerParityTests.s_optimizers[name].Make(parameters);
        long Step(int t)
        {
            optimizer
                .step(() =>
                {
                    using var scope = NewDisposeScope();
                    return OptimizerParityTests.Loss(optimizer, parameters, t).MoveToOuterDisposeScope();
                })
                ?.Dispose();
            optimizer.zero_grad();
            return DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        }
        for (var t = 0; t < 4; t++)
            Step(t); // LBFGS fills its history of three
        var before = Step(4);
        for (var t = 5; t < 10; t++)
            Assert.Equal(before, Step(t));
        foreach (var parameter in parameters)
            parameter.Dispose();
    }

    /// <summary>What an optimizer has saved.</summary>
    private sealed class Saved
    {
        public Saved(OwnOptimizer optimizer) =>
            optimizer.Save(
                Names,
                (name, tensor) => Tensors.Add(name, tensor.clone()),
                (name, value) => Values[name] = JsonNode.Parse(value!.ToJsonString())
            );

        public static string[] Names => ["a", "b"];

        public Dictionary<string, Tensor> Tensors { get; } = [];

        public JsonObject Values { get; } = [];

        public Tensor? Tensor(string name) => Tensors.GetValueOrDefault(name);

        public JsonNode? Value(string name) => Values[name];
    }
}
