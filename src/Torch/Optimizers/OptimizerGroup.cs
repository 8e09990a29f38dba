using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Parameters that share their learning rate and weight decay.</summary>
/// <param name="parameters">Each in one group only.</param>
/// <param name="learningRate">Also the initial one, from which schedules reckon.</param>
/// <param name="weightDecay">Added to the gradient times the parameter, or as the optimizer says.</param>
public class OptimizerGroup(IEnumerable<Parameter> parameters, double learningRate, double weightDecay = 0) : optim.ILearningRateController
{
    public IReadOnlyList<Parameter> Parameters { get; } = [.. parameters];

    public double LearningRate { get; set; } = learningRate;

    public double InitialLearningRate { get; set; } = learningRate;

    public double WeightDecay { get; set; } = weightDecay;
}

/// <summary>A group whose momentum a schedule may set.</summary>
public sealed class MomentumGroup(IEnumerable<Parameter> parameters, double learningRate, double weightDecay = 0, double momentum = 0)
    : OptimizerGroup(parameters, learningRate, weightDecay),
        optim.IMomentum
{
    public double Momentum { get; set; } = momentum;
}

/// <summary>A group whose decay rates (of the averages of the gradient and of its square) a schedule may set.</summary>
public sealed class BetasGroup(
    IEnumerable<Parameter> parameters,
    double learningRate,
    double weightDecay = 0,
    double beta1 = 0.9,
    double beta2 = 0.999
) : OptimizerGroup(parameters, learningRate, weightDecay), optim.IBetas
{
    public (double, double) Betas { get; set; } = (beta1, beta2);
}
