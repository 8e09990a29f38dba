using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tessera.Torch.Optimizers.Passes;

/// <summary>Gradient descent: d = g + decay · p; b = momentum · b + (1 - dampening) · d; p -= lr · b, or with Nesterov lr · (d + momentum ·
/// b).</summary>
/// <param name="first">Whether this is the parameter's first step, where b = d.</param>
internal readonly unsafe struct SgdKernel(double lr, double momentum, double dampening, double decay, bool nesterov, bool first)
    : IFusedKernel
{
    private readonly float _step = (float)-lr,
        _decay = (float)decay,
        _lookAhead = (float)momentum;
    private readonly float _stays = first ? 0 : (float)momentum,
        _comes = first ? 1 : (float)(1 - dampening);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* target, float* source, float* first, float* second, float* third)
    {
        var p = Vector.Load(target);
        var d = Vector.Load(source);
        if (_decay != 0)
            d += p * _decay;
        if (momentum != 0)
        {
            var buffer = Vector.Load(first) * _stays + d * _comes;
            Vector.Store(buffer, first);
            d = nesterov ? d + buffer * _lookAhead : buffer;
        }
        Vector.Store(p + d * _step, target);
    }
}

/// <summary>Adam and AdamW: m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; p -= lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε).</summary>
/// <param name="step">t, from 1.</param>
/// <param name="decay">Share of p that is added to g (Adam) or, times lr, taken from p (AdamW, decoupled).</param>
/// <param name="amsgrad">Whether the largest v so far, the third state, divides.</param>
internal readonly unsafe struct AdamKernel(
    long step,
    double lr,
    double beta1,
    double beta2,
    double eps,
    double decay,
    bool decoupled,
    bool amsgrad
) : IFusedKernel
{
    private readonly float _beta1 = (float)beta1,
        _beta2 = (float)beta2,
        _rest1 = (float)(1 - beta1),
        _rest2 = (float)(1 - beta2),
        _eps = (float)eps;
    private readonly float _decay = decoupled ? 0 : (float)decay,
        _shrink = decoupled ? (float)(1 - lr * decay) : 1;
    private readonly float _correction2 = (float)(1 / Math.Sqrt(1 - Math.Pow(beta2, step)));
    private readonly float _step = (float)(-lr / (1 - Math.Pow(beta1, step)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* target, float* source, float* first, float* second, float* third)
    {
        var p = Vector.Load(target) * _shrink;
        var g = Vector.Load(source);
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
        var denominator = Vector.SquareRoot(square) * _correction2 + new Vector<float>(_eps);
        Vector.Store(p + average * _step / denominator, target);
    }
}

/// <summary>RAdam: m and v as Adam's; p += factor · m / (√v + ε), or factor · m as long as v has too large a variance.</summary>
internal readonly unsafe struct RAdamKernel(double factor, bool adaptive, double beta1, double beta2, double eps, double decay)
    : IFusedKernel
{
    private readonly float _beta1 = (float)beta1,
        _beta2 = (float)beta2,
        _rest1 = (float)(1 - beta1),
        _rest2 = (float)(1 - beta2);
    private readonly float _eps = (float)eps,
        _decay = (float)decay,
        _factor = (float)factor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* target, float* source, float* first, float* second, float* third)
    {
        var p = Vector.Load(target);
        var g = Vector.Load(source);
        if (_decay != 0)
            g += p * _decay;
        var average = Vector.Load(first) * _beta1 + g * _rest1;
        Vector.Store(average, first);
        var square = Vector.Load(second) * _beta2 + g * _rest2 * g;
        Vector.Store(square, second);
        var step = average * _factor;
        Vector.Store(p + (adaptive ? step / (Vector.SquareRoot(square) + new Vector<float>(_eps)) : step), target);
    }
}

/// <summary>Lion: p -= lr · (decay · p + sign(β₁ m + (1 - β₁) g)); m = β₂ m + (1 - β₂) g.</summary>
/// <param name="shrink">What of p the decay leaves.</param>
internal readonly unsafe struct LionKernel(double lr, double beta1, double beta2, double shrink) : IFusedKernel
{
    private readonly float _beta1 = (float)beta1,
        _beta2 = (float)beta2,
        _rest1 = (float)(1 - beta1),
        _rest2 = (float)(1 - beta2);
    private readonly float _shrink = (float)shrink,
        _step = (float)lr;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* target, float* source, float* first, float* second, float* third)
    {
        var (average, g) = (Vector.Load(first), Vector.Load(source));
        var direction = average * _beta1 + g * _rest1;
        var step = new Vector<float>(_step);
        var falls = Vector.ConditionalSelect(Vector.GreaterThan(direction, Vector<float>.Zero), step, Vector<float>.Zero);
        var rises = Vector.ConditionalSelect(Vector.LessThan(direction, Vector<float>.Zero), step, Vector<float>.Zero);
        Vector.Store(Vector.Load(target) * _shrink - falls + rises, target);
        Vector.Store(average * _beta2 + g * _rest2, first);
    }
}

/// <summary>A running average: target = decay · target + (1 - decay) · source.</summary>
internal readonly unsafe struct AverageKernel(double decay) : IFusedKernel
{
    private readonly float _stays = (float)decay,
        _comes = (float)(1 - decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* target, float* source, float* first, float* second, float* third) =>
        Vector.Store(Vector.Load(target) * _stays + Vector.Load(source) * _comes, target);
}

/// <summary>target = factor · source.</summary>
internal readonly unsafe struct ScaleKernel(double factor) : IFusedKernel
{
    private readonly float _factor = (float)factor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update(float* target, float* source, float* first, float* second, float* third) =>
        Vector.Store(Vector.Load(source) * _factor, target);
}
