using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Defects;

/// <summary>Optimizers that TorchSharp gets wrong; the fixtures are the steps of PyTorch's.</summary>
public sealed class OptimizerDefects
{
    private static readonly Dictionary<string, (Func<Parameter[], optim.Optimizer> Make, string Then)> s_wrong = new()
    {
        ["SGD_Nesterov"] = (p => optim.SGD(p, 0.1, 0.9, weight_decay: 0.01, nesterov: true, maximize: true), "Nothing uses it: SgdOptimizer is faster."),
        ["RAdam"] = (p => optim.RAdam(p, 0.05, 0.9, 0.99, weight_decay: 0.02), "Call it instead of RAdamOptimizer."),
        ["LBFGS"] = (p => optim.LBFGS(p, 0.5, max_iter: 4, history_size: 3), "It can leave BannedSymbols.txt if its memory can be saved, too."),
    };

    public static IEnumerable<object[]> Names => s_wrong.Keys.Select(name => new object[] { name });

    [Theory]
    [MemberData(nameof(Names))]
    public void Optimizer_LeavesPyTorchsPath(string name)
    {
        using var scope = NewDisposeScope();
        var expected = Fixture.Case("optimizers.json", name);
        var (make, then) = s_wrong[name];
        Parameter[] parameters = [.. expected.GetProperty("start").EnumerateArray().Select(packed => new Parameter(Fixture.Tensor(packed)))];
        using var optimizer = make(parameters);
        var off = 0.0;
        foreach (var (t, after) in expected.GetProperty("after").EnumerateArray().Index())
        {
            optimizer.step(() => Loss(optimizer, parameters, t));
            off = Math.Max(off, parameters.Zip(after.EnumerateArray()).Max(pair => Distance(pair.First, pair.Second)));
        }
        Mended.Not(off > 1e-3, $"optim.{name}", then);
    }

    [Fact]
    public void SgdState_OfFreshOptimizers_CannotBeLoaded()
    {
        using var scope = NewDisposeScope();
        using var parameter = new Parameter(ones(2));
        using var source = optim.SGD([parameter], 0.1, momentum: 0.9);
        using var target = optim.SGD([parameter], 0.1, momentum: 0.9);
        var error = Record.Exception(() => target.load_state_dict(source.state_dict()));
        Mended.Not(error is NullReferenceException, "loading the state of optim.SGD before its first step", "Nothing uses it: SgdOptimizer keeps its own.");
    }

    // The fixture's loss: sum(sin((i + 1) p_i + t) / (i + 1)).
    private static Tensor Loss(optim.Optimizer optimizer, Parameter[] parameters, int t)
    {
        optimizer.zero_grad();
        var loss = parameters.Index().Select(entry => ((((entry.Index + 1) * entry.Item) + t).sin() / (entry.Index + 1)).sum()).Aggregate((sum, term) => sum + term);
        loss.backward();
        return loss;
    }

    private static double Distance(Parameter parameter, JsonElement wanted) =>
        parameter.detach().data<float>().ToArray().Zip(wanted.EnumerateArray()).Max(pair => Math.Abs(pair.First - pair.Second.GetDouble()));
}
