using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>What the optimizers of TorchSharp have in common; their steps are compared in OptimizerParityTests.</summary>
public sealed class OptimizerMemberTests
{
    [Fact]
    [Covers(
        "optim.Optimizer::get_ParamGroups",
        "optim.Optimizer::step",
        "optim.Optimizer::zero_grad",
        "optim.Optimizer::Dispose",
        "Modules.OptimizerHelper::state_dict",
        "optim.Optimizer.StateDictionary::get_State",
        "optim.ILearningRateController::get_LearningRate",
        "optim.ILearningRateController::set_LearningRate",
        "optim.ILearningRateController::get_InitialLearningRate",
        "optim.IBetas::get_Betas",
        "optim.IBetas::set_Betas",
        "optim.IMomentum::set_Momentum",
        "Modules.OptimizerOptions::set_LearningRate",
        "Modules.OptimizerOptions::.ctor",
        "Modules.OptimizerOptions::set_InitialLearningRate"
    )]
    public void Groups_HaveTheirRates()
    {
        using var scope = NewDisposeScope();
        using var parameter = new Parameter(ones(2));
        OptimizerHelper nadam = optim.NAdam([parameter], 0.1);
        optim.Optimizer rms = optim.RMSProp([parameter], 0.1, momentum: 0.5);
        var group = nadam.ParamGroups.Single();
        Assert.Equal((0.1, 0.1), (group.LearningRate, group.InitialLearningRate));
        ((optim.IBetas)group).Betas = (0.8, 0.9);
        Assert.Equal((0.8, 0.9), ((optim.IBetas)group).Betas);
        ((optim.IMomentum)rms.ParamGroups.Single()).Momentum = 0.3;
        Assert.Equal(0.3, ((optim.IMomentum)rms.ParamGroups.Single()).Momentum);
        group.LearningRate = 0;
        (parameter * 2).sum().backward();
        nadam.step();
        Assert.Equal([1f, 1], parameter.data<float>().ToArray()); // a rate of 0 moves nothing
        group.LearningRate = 0.1;
        nadam.step();
        Assert.True(parameter[0].item<float>() < 1);
        Assert.Single(nadam.state_dict().State);
        nadam.zero_grad();
        Assert.Equal([0f, 0], parameter.grad!.data<float>().ToArray());
        nadam.Dispose();
        rms.Dispose();
        var options = new OptimizerOptions { LearningRate = 0.2, InitialLearningRate = 0.4 };
        Assert.Equal((0.2, 0.4), (options.LearningRate, options.InitialLearningRate));
    }

    private sealed class Still(Parameter parameter) : optim.Optimizer(0)
    {
        public override IEnumerable<Parameter> parameters() => [parameter];

        public override IEnumerable<optim.ILearningRateController> ParamGroups => [];
    }

    [Fact]
    [Covers("optim.Optimizer::.ctor", "optim.Optimizer::parameters")]
    public void OptimizerOfOurOwn_NeedsNoNativeOne()
    {
        using var parameter = new Parameter(ones(2));
        using optim.Optimizer still = new Still(parameter);
        Assert.Same(parameter, still.parameters().Single());
    }

    private static readonly Dictionary<string, Func<Parameter, double, bool, optim.Optimizer>> s_decaying = new()
    {
        ["Adadelta"] = (p, decay, inGroup) =>
            inGroup
                ? optim.Adadelta(
                    [
                        new Adadelta.ParamGroup
                        {
                            Parameters = [p],
                            Options = new Adadelta.Options { weight_decay = decay },
                        },
                    ],
                    0.1
                )
                : optim.Adadelta([p], 0.1, weight_decay: decay),
        ["Adagrad"] = (p, decay, inGroup) =>
            inGroup
                ? optim.Adagrad(
                    [
                        new Adagrad.ParamGroup
                        {
                            Parameters = [p],
                            Options = new Adagrad.Options { weight_decay = decay },
                        },
                    ],
                    0.1
                )
                : optim.Adagrad([p], 0.1, weight_decay: decay),
        ["Adamax"] = (p, decay, inGroup) =>
            inGroup
                ? optim.Adamax(
                    [
                        new Adamax.ParamGroup
                        {
                            Parameters = [p],
                            Options = new Adamax.Options { weight_decay = decay },
                        },
                    ],
                    0.1
                )
                : optim.Adamax([p], 0.1, weight_decay: decay),
        ["ASGD"] = (p, decay, inGroup) =>
            inGroup
                ? optim.ASGD(
                    [
                        new ASGD.ParamGroup
                        {
                            Parameters = [p],
                            Options = new ASGD.Options { weight_decay = decay },
                        },
                    ],
                    0.1
                )
                : optim.ASGD([p], 0.1, weight_decay: decay),
        ["NAdam"] = (p, decay, inGroup) =>
            inGroup
                ? optim.NAdam(
                    [
                        new NAdam.ParamGroup
                        {
                            Parameters = [p],
                            Options = new NAdam.Options { weight_decay = decay },
                        },
                    ],
                    0.1
                )
                : optim.NAdam([p], 0.1, weight_decay: decay),
        ["RMSProp"] = (p, decay, inGroup) =>
            inGroup
                ? optim.RMSProp(
                    [
                        new RMSProp.ParamGroup
                        {
                            Parameters = [p],
                            Options = new RMSProp.Options { weight_decay = decay },
                        },
                    ],
                    0.1
                )
                : optim.RMSProp([p], 0.1, weight_decay: decay),
    };

    public static IEnumerable<object[]> Decaying => s_decaying.Keys.Select(name => new object[] { name });

    [Theory]
    [MemberData(nameof(Decaying))]
    [Covers(
        "Modules.ParamGroup::set_Parameters",
        "Modules.ParamGroup`1::set_Options",
        "Modules.Adadelta.Options::weight_decay",
        "Modules.Adagrad.Options::weight_decay",
        "Modules.Adamax.Options::weight_decay",
        "Modules.ASGD.Options::weight_decay",
        "Modules.NAdam.Options::weight_decay",
        "Modules.RMSProp.Options::weight_decay"
    )]
    public void WeightDecay_OfAGroup_ActsAsTheFactorys(string name)
    {
        using var scope = NewDisposeScope();
        float[] Steps(double decay, bool inGroup)
        {
            using var parameter = new Parameter(tensor((float[])[1, -2]));
            using var optimizer = s_decaying[name](parameter, decay, inGroup);
            for (var i = 0; i < 3; i++)
            {
                optimizer.zero_grad();
                (parameter.cos() * 0.3).sum().backward();
                optimizer.step();
            }
            return parameter.data<float>().ToArray();
        }
        Assert.Equal(Steps(0.2, inGroup: false), Steps(0.2, inGroup: true));
        Assert.NotEqual(Steps(0, inGroup: true), Steps(0.2, inGroup: true));
    }
}
