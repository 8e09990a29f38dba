using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace Tessera.Tests.Torch.Optim;

public class OptimizerStateTests
{
    public static IEnumerable<object[]> Names => OptimizerParityTests.Names.Where(name => (string)name[0] != "LBFGS");

    /// <summary>Two steps, a copy of weights and state into a fresh optimizer, two more steps of both: no bit may differ.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void LoadStateDict_AfterTwoSteps_ContinuesBitForBit(string name)
        => Continues(name, (source, target) => target.load_state_dict(source.state_dict()));

    [Theory]
    [MemberData(nameof(Names))]
    public void SaveAndLoad_AfterTwoSteps_ContinuesBitForBit(string name) => Continues(name, (source, target) =>
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        source.save_state_dict(writer);
        stream.Position = 0;
        using var reader = new BinaryReader(stream);
        target.load_state_dict(reader);
        Assert.Equal(stream.Length, stream.Position);
    });

    private static void Continues(string name, Action<OptimizerHelper, OptimizerHelper> transfer)
    {
        using var scope = NewDisposeScope();
        var trajectory = Fixture.Case("optimizers.json", name);
        var (first, second) = (OptimizerParityTests.Start(trajectory), OptimizerParityTests.Start(trajectory));
        using var source = (OptimizerHelper)OptimizerParityTests.s_optimizers[name](first);
        using var target = (OptimizerHelper)OptimizerParityTests.s_optimizers[name](second);
        for (var t = 0; t < 2; t++)
            source.step(() => OptimizerParityTests.Loss(source, first, t));
        foreach (var group in source.ParamGroups)
            group.LearningRate *= 0.5;
        using (no_grad())
            foreach (var (to, from) in second.Zip(first))
                to.copy_(from);
        transfer(source, target);
        foreach (var (mine, theirs) in target.state_dict().State.Zip(source.state_dict().State))
            Assert.True(mine.ApproximatelyEquals(theirs));
        for (var t = 2; t < 4; t++)
        {
            source.step(() => OptimizerParityTests.Loss(source, first, t));
            target.step(() => OptimizerParityTests.Loss(target, second, t));
        }
        foreach (var (mine, theirs) in second.Zip(first))
            Assert.True(mine.Equals(theirs));
    }

    [Fact]
    public void ParamGroups_OwnOptions_AreKeptAndTheRestFilledIn()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (new Parameter(ones(2)), new Parameter(ones(2)));
        using var optimizer = AdamW([
            new AdamW.ParamGroup([a], new AdamW.Options { weight_decay = 0.5 }),
            new AdamW.ParamGroup { Parameters = [b] }], lr: 0.1, weight_decay: 0.25);
        var groups = optimizer.ParamGroups.Cast<AdamW.ParamGroup>().ToArray();
        Assert.Equal([0.5, 0.25], groups.Select(group => group.Options.weight_decay!.Value));
        Assert.All(groups, group => Assert.Equal((0.1, 0.1, 0.9), (group.LearningRate, group.InitialLearningRate, group.Options.beta1!.Value)));

        // No gradient but weight decay only: p (1 - lr decay), where the second group's learning rate is 0.
        groups[1].LearningRate = 0;
        a.grad = zeros(2);
        b.grad = zeros(2);
        optimizer.step();
        Assert.Equal(1 - 0.1 * 0.5, a.data<float>()[0], 1e-6);
        Assert.Equal(1f, b.data<float>()[0]);
    }

    [Fact]
    public void Step_ParameterWithoutGradient_IsLeftAlone()
    {
        using var scope = NewDisposeScope();
        var (with, without) = (new Parameter(ones(2)), new Parameter(ones(2)));
        using var optimizer = SGD([with, without], 0.5, momentum: 0.9, weight_decay: 0.1);
        with.grad = ones(2);
        optimizer.step();
        Assert.Equal(1 - 0.5 * 1.1, with.data<float>()[0], 1e-6);
        Assert.Equal(1f, without.data<float>()[0]);
        Assert.Null(((SGD.State)optimizer.state_dict().State[1]).momentum_buffer);
    }

    [Fact]
    public void AddParamGroup_ParameterTwice_Throws()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(ones(2));
        using var optimizer = SGD([parameter], 0.1);
        Assert.Throws<ArgumentException>(() => optimizer.add_param_group(new SGD.ParamGroup([parameter])));
    }

    [Fact]
    public void ZeroGrad_AfterBackward_ZeroesInPlace()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(ones(3));
        using var optimizer = SGD([parameter], 0.1);
        (parameter * 2).sum().backward();
        optimizer.zero_grad();
        Assert.Equal([0f, 0f, 0f], parameter.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Steps_OutsideAnyScope_LeaveNoTensorBehind()
    {
        using var parameter = new Parameter(ones(4));
        using var optimizer = AdamW([parameter], amsgrad: true);
        long Step()
        {
            using (var scope = NewDisposeScope())
                parameter.grad = ones(4);
            optimizer.step();
            optimizer.zero_grad();
            return DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        }
        var before = Step();
        for (var i = 0; i < 5; i++)
            Assert.Equal(before, Step());
    }
}
