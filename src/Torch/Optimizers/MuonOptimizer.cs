using System.Text.Json.Nodes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Muon: momentum whose matrix is made orthogonal, for weights that are matrices; AdamW for all other parameters.</summary>
/// <remarks>
/// Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, kellerjordan.github.io/posts/muon, as its authors'
/// muon.py: quintic Newton-Schulz iterations, Nesterov momentum, decoupled decay, steps of tall matrices times √(rows / columns).
/// A convolution's weight is the matrix [out, in · h · w]; its step is not scaled where kernels are square. Departs by iterating in
/// float32: muon.py takes bfloat16, for the speed of GPUs, which on a CPU would make the result depend on the processor.
/// </remarks>
public sealed class MuonOptimizer : OwnOptimizer
{
    private const string Buffer = "momentum_buffer";

    private readonly IReadOnlyList<MomentumGroup> _matrices;
    private readonly AdamOptimizer? _others;
    private readonly Parameter[] _parameters;
    private readonly Tensor?[] _buffers;
    private readonly bool _nesterov;
    private readonly int _iterations;

    /// <param name="matrices">Weights of two dimensions or more.</param>
    /// <param name="others">What AdamW trains.</param>
    /// <param name="eps">Of AdamW: added to the denominator.</param>
    /// <param name="nesterov">Look ahead by one step of momentum.</param>
    /// <param name="iterations">Newton-Schulz iterations.</param>
    /// <exception cref="ArgumentException">A parameter of <paramref name="matrices"/> is a vector or a scalar.</exception>
    public MuonOptimizer(
        IReadOnlyList<MomentumGroup> matrices,
        IReadOnlyList<BetasGroup> others,
        double eps = 1e-10,
        bool nesterov = true,
        int iterations = 5
    )
        : base([.. matrices, .. others])
    {
        (_matrices, _nesterov, _iterations) = (matrices, nesterov, iterations);
        _parameters = [.. matrices.SelectMany(group => group.Parameters)];
        if (_parameters.Any(parameter => parameter.dim() < 2))
            throw new ArgumentException("Muon trains weights that are matrices.", nameof(matrices));
        _buffers = new Tensor?[_parameters.Length];
        _others = others.Count > 0 ? new AdamOptimizer(others, decoupled: true, eps) : null;
    }

    /// <param name="closure">Computes the loss and its gradients; called once, before the step.</param>
    /// <returns>What the closure gave.</returns>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    public override Tensor? step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
            using (enable_grad())
                loss = closure();
        using var _ = no_grad();
        var i = 0;
        foreach (var group in _matrices)
        foreach (var parameter in group.Parameters)
            Step(group, parameter, ref _buffers[i++]);
        _others?.step();
        return loss;
    }

    public override void Save(IReadOnlyList<string> names, Action<string, Tensor> tensor, Action<string, JsonNode?> value)
    {
        for (var i = 0; i < _buffers.Length; i++)
            if (_buffers[i] is { } kept)
                tensor($"{names[i]}.{Buffer}", kept);
        _others?.Save([.. names.Skip(_buffers.Length)], tensor, value);
    }

    public override string? Load(IReadOnlyList<string> names, Func<string, Tensor?> tensor, Func<string, JsonNode?> value)
    {
        for (var i = 0; i < _buffers.Length; i++)
        {
            var saved = tensor($"{names[i]}.{Buffer}");
            if (saved is not null && !saved.shape.SequenceEqual(_parameters[i].shape))
                return $"{names[i]}.{Buffer}";
            _buffers[i]?.Dispose();
            _buffers[i] = saved is null ? null : CopyLike(saved, _parameters[i]);
        }
        return _others?.Load([.. names.Skip(_buffers.Length)], tensor, value);
    }

    /// <summary>The nearest orthogonal matrix, roughly: singular values come to lie between about 0.7 and 1.2.</summary>
    /// <param name="matrix">[rows, columns].</param>
    /// <returns>Of the same shape, float32, in the present dispose scope.</returns>
    internal static Tensor Orthogonal(Tensor matrix, int iterations)
    {
        const double a = 3.4445,
            b = -4.7750,
            c = 2.0315; // slope at zero as large as it can be
        var tall = matrix.shape[0] > matrix.shape[1];
        var x = matrix.to(ScalarType.Float32);
        if (tall)
            x = x.t();
        x = x / (x.norm() + 1e-7); // a spectral norm of 1 at most
        for (var i = 0; i < iterations; i++)
        {
            using var scope = NewDisposeScope();
            var square = x.matmul(x.t());
            var quintic = b * square + (c * square).matmul(square);
            x = scope.MoveToOuter(a * x + quintic.matmul(x));
        }
        return tall ? x.t() : x;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        _others?.Dispose();
        foreach (var buffer in _buffers)
            buffer?.Dispose();
    }

    private void Step(MomentumGroup group, Parameter parameter, ref Tensor? buffer)
    {
        if (parameter.grad is not { } gradient)
            return;
        if (gradient.is_sparse)
            throw new NotSupportedException("MuonOptimizer takes no sparse gradients.");
        using var scope = NewDisposeScope();
        buffer ??= zeros_like(parameter, requires_grad: false).DetachFromDisposeScope();
        buffer.mul_(group.Momentum).add_(gradient, alpha: 1 - group.Momentum);
        var update = _nesterov ? gradient.mul(1 - group.Momentum).add_(buffer, alpha: group.Momentum) : buffer;
        var shape = parameter.shape;
        var direction = Orthogonal(update.reshape(shape[0], -1), _iterations).reshape(shape);
        var scale = Math.Sqrt(Math.Max(1, (double)shape[^2] / shape[^1])); // as muon.py: of a convolution, its kernel's sides
        parameter.mul_(1 - group.LearningRate * group.WeightDecay);
        parameter.add_(direction, alpha: -group.LearningRate * scale);
    }
}
