using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>What Adam and AdamW do to parameters of one step count, many tensors at a time; they differ in what decay does before.</summary>
internal static class AdamUpdate
{
    /// <param name="average">Running averages of the gradients; updated.</param>
    /// <param name="square">Running averages of their squares; updated.</param>
    /// <param name="largest">AMSGrad: the largest averages of squares so far; updated.</param>
    /// <param name="step">From 1.</param>
    public static void Apply(Tensor[] parameters, Tensor[] gradients, Tensor[] average, Tensor[] square, Tensor[]? largest, long step, double lr, double beta1, double beta2, double eps)
    {
        Foreach.Mul_(average, beta1);
        Foreach.Add_(average, gradients, 1 - beta1);
        Foreach.Mul_(square, beta2);
        Foreach.AddCMul_(square, gradients, gradients, 1 - beta2);
        for (var i = 0; i < largest?.Length; i++)
            largest[i].copy_(maximum(largest[i], square[i]));

        var denominator = Foreach.Sqrt(largest ?? square);
        Foreach.Div_(denominator, Math.Sqrt(1 - Math.Pow(beta2, step)));
        Foreach.Add_(denominator, eps);
        Foreach.AddCDiv_(parameters, average, denominator, -lr / (1 - Math.Pow(beta1, step)));
    }
}
