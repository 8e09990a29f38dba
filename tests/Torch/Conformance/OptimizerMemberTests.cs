using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>What the optimizers of TorchSharp have in common; their steps are compared in OptimizerParityTests.</summary>
public sealed class OptimizerMemberTests
{
    [Fact]
    [Covers("optim.Optimizer::get_ParamGroups", "optim.Optimizer::step", "optim.Optimizer::zero_grad", "optim.Optimizer::Dispose", "Modules.OptimizerHelper::state_dict",
        "optim.Optimizer.StateDictionary::get_State", "optim.ILearningRateController::get_LearningRate", "optim.ILearningRateController::set_LearningRate",
        "optim.ILearningRateController::get_InitialLearningRate", "optim.IBetas::get_Betas", "optim.IBetas::set_Betas", "optim.IMomentum::set_Momentum",
        "Modules.OptimizerOptions::set_LearningRate", "Modules.OptimizerOptions::.ctor", "Modules.OptimizerOptions::set_InitialLearningRate")]
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
}
