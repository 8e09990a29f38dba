using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace Tessera.Tests.Torch.Optim;

public class OptimizerParityTests
{
    internal static readonly Dictionary<string, Func<IEnumerable<Parameter>, Optimizer>> s_optimizers = new()
    {
        ["SGD"] = p => SGD(p, learningRate: 0.1),
        ["SGD_Momentum"] = p => SGD(p, 0.1, momentum: 0.9, dampening: 0.2, weight_decay: 0.01),
        ["SGD_Nesterov"] = p => SGD(p, 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true, maximize: true),
        ["Adam"] = p => Adam(p, 0.05, weight_decay: 0.02),
        ["Adam_Amsgrad"] = p => Adam(p, 0.05, 0.8, 0.95, amsgrad: true, maximize: true),
        ["AdamW"] = p => AdamW(p, 0.05, weight_decay: 0.1),
        ["AdamW_Amsgrad"] = p => AdamW(p, 0.05, 0.8, 0.9, 1e-4, 0.1, amsgrad: true, maximize: true),
        ["Adamax"] = p => Adamax(p, 0.05, weight_decay: 0.02),
        ["Adadelta"] = p => Adadelta(p, 0.5, weight_decay: 0.02),
        ["Adagrad"] = p => Adagrad(p, 0.1, lr_decay: 0.1, weight_decay: 0.02, initial_accumulator_value: 0.1),
        ["ASGD"] = p => ASGD(p, 0.1, lambd: 0.01, t0: 2, weight_decay: 0.02),
        ["NAdam"] = p => NAdam(p, 0.05, weight_decay: 0.02),
        ["RAdam"] = p => RAdam(p, 0.05, 0.9, 0.99, weight_decay: 0.02),
        ["RMSProp"] = p => RMSProp(p, 0.05, weight_decay: 0.02),
        ["RMSProp_Centered"] = p => RMSProp(p, 0.05, alpha: 0.9, momentum: 0.5, centered: true),
        ["Rprop"] = p => Rprop(p, 0.05),
        ["LBFGS"] = p => LBFGS(p, 0.5, max_iter: 4, history_size: 3),
    };

    public static IEnumerable<object[]> Names => Fixture.Names("optimizers.json");

    /// <summary>The fixture's loss: sum(sin((i + 1) p + t) / (i + 1)) over parameters i at step t.</summary>
    internal static Tensor Loss(Optimizer optimizer, IEnumerable<Parameter> parameters, int t)
    {
        optimizer.zero_grad();
        Tensor? loss = null;
        foreach (var (i, parameter) in parameters.Index())
        {
            var term = (((i + 1) * parameter + t).sin() / (i + 1)).sum();
            loss = loss is null ? term : loss + term;
        }
        loss!.backward();
        return loss;
    }

    internal static Parameter[] Start(JsonElement trajectory)
        => [.. trajectory.GetProperty("start").EnumerateArray().Select(packed => new Parameter(Fixture.Tensor(packed)))];

    [Theory]
    [MemberData(nameof(Names))]
    public void FiveSteps_FromTheSameStart_FollowPyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        var expected = Fixture.Case("optimizers.json", name);
        var parameters = Start(expected);
        using var optimizer = s_optimizers[name](parameters);
        foreach (var (t, after) in expected.GetProperty("after").EnumerateArray().Index())
        {
            optimizer.step(() => Loss(optimizer, parameters, t));
            foreach (var (parameter, wanted) in parameters.Zip(after.EnumerateArray()))
                foreach (var (value, target) in parameter.detach().data<float>().ToArray().Zip(wanted.EnumerateArray()))
                    Assert.True(Math.Abs(value - target.GetDouble()) < 3e-5 * (1 + Math.Abs(value)), $"step {t + 1}: {value} for {target}");
        }
    }
}
