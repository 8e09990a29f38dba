using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Gradient times activation, place by place.</summary>
/// <remarks>Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks", 2020,
/// arXiv:2011.08891. Before a pooling and a linear layer it adds up to the score without its bias.</remarks>
[Component("HiResCam")]
public sealed class HiResCam : ActivationMethod
{
    public override string Title => "HiResCAM";

    public override Tensor Contributions(ExplainedRun run) => run.Gradient * run.Activation;
}
