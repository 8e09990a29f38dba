using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharp.Modules;

// Each line is one operator of the optimizer's own step over lists, in the same order and with the same roundings but for
// those that libtorch saves by fused multiply-adds.

/// <summary>Gradient descent: p -= lr · d, where d is the gradient, or the momentum buffer b = momentum · b + keep · d, or both.</summary>
/// <param name="lr">Learning rate.</param>
/// <param name="momentum">What stays of the buffer.</param>
/// <param name="keep">One less the dampening.</param>
/// <param name="weightDecay">Share of the parameter that is added to its gradient.</param>
/// <param name="useBuffer">Whether there is a buffer.</param>
/// <param name="nesterov">Whether the step looks ahead along the buffer.</param>
/// <param name="lookAhead">Nesterov's factor: the momentum, also at the first step, where nothing stays of the buffer.</param>
/// <param name="maximize">Whether the objective grows.</param>
internal readonly unsafe struct SgdKernel(double lr, double momentum, double keep, double weightDecay, bool useBuffer, bool nesterov, double lookAhead, bool maximize) : IFusedKernel
{
    private readonly float _step = (float)-lr, _momentum = (float)momentum, _keep = (float)keep, _decay = (float)weightDecay, _lookAhead = (float)lookAhead;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* parameter, float* gradient, float* first, float* second, float* third)
    {
        var p = Vector.Load(parameter);
        var d = Vector.Load(gradient);
        if (maximize)
            d = -d;
        if (_decay != 0)
            d += p * _decay;
        if (useBuffer)
        {
            var buffer = Vector.Load(first) * _momentum + d * _keep;
            Vector.Store(buffer, first);
            d = nesterov ? d + buffer * _lookAhead : buffer;
        }
        Vector.Store(p + d * _step, parameter);
    }
}

/// <summary>Adam and AdamW: m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; p -= lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε).</summary>
/// <param name="step">t, from 1.</param>
/// <param name="lr">Learning rate.</param>
/// <param name="beta1">Decay of the gradient's average.</param>
/// <param name="beta2">Decay of its square's average.</param>
/// <param name="eps">Keeps the divisor from zero.</param>
/// <param name="weightDecay">Share of the parameter that is added to its gradient (Adam) or, times lr, taken from it (AdamW).</param>
/// <param name="decoupled">AdamW's decay.</param>
/// <param name="amsgrad">Whether the largest v so far, the third state, divides.</param>
/// <param name="maximize">Whether the objective grows.</param>
internal readonly unsafe struct AdamKernel(long step, double lr, double beta1, double beta2, double eps, double weightDecay, bool decoupled, bool amsgrad, bool maximize) : IFusedKernel
{
    private readonly float _beta1 = (float)beta1, _beta2 = (float)beta2, _rest1 = (float)(1 - beta1), _rest2 = (float)(1 - beta2), _eps = (float)eps;
    private readonly float _decay = decoupled ? 0 : (float)weightDecay, _shrink = decoupled ? (float)(1 - lr * weightDecay) : 1;
    private readonly float _correction2 = (float)Math.Sqrt(1 - Math.Pow(beta2, step)), _step = (float)(-lr / (1 - Math.Pow(beta1, step)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* parameter, float* gradient, float* first, float* second, float* third)
    {
        var p = Vector.Load(parameter) * _shrink;
        var g = Vector.Load(gradient);
        if (maximize)
            g = -g;
        if (_decay != 0)
            g += p * _decay;
        var average = Vector.Load(first) * _beta1 + g * _rest1;
        Vector.Store(average, first);
        var square = Vector.Load(second) * _beta2 + g * _rest2 * g;
        Vector.Store(square, second);
        if (amsgrad)
        {
            square = Vector.Max(Vector.Load(third), square);
            Vector.Store(square, third);
        }
        var denominator = Vector.SquareRoot(square) / new Vector<float>(_correction2) + new Vector<float>(_eps);
        Vector.Store(p + average * _step / denominator, parameter);
    }
}
