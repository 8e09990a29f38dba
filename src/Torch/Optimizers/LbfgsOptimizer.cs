using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Limited-memory BFGS without line search, over one vector of all parameters.</summary>
/// <remarks>
/// Nocedal and Wright, "Numerical optimization", 2nd edition, algorithm 7.4; steps, tolerances and the length of the first step as
/// PyTorch's. Why it exists:
/// TorchSharp 0.107's gives other values, and keeps its memory out of reach, so that a run could not be resumed.
/// </remarks>
/// <param name="group">The parameters; the learning rate is the length of a step along the direction.</param>
/// <param name="maxIterations">Directions taken in a step.</param>
/// <param name="gradientTolerance">Stops where no element of the gradient is larger.</param>
/// <param name="changeTolerance">Stops where no parameter moves further, or the loss changes less.</param>
/// <param name="historySize">Directions remembered.</param>
public sealed class LbfgsOptimizer(
    OptimizerGroup group,
    int maxIterations = 20,
    double gradientTolerance = 1e-7,
    double changeTolerance = 1e-9,
    int historySize = 100
) : OwnOptimizer([group])
{
    private readonly List<(Tensor Step, Tensor Change)> _history = []; // s and y of the two-loop recursion
    private Tensor? _direction,
        _gradient;
    private double _length;
    private long _steps;

    /// <param name="closure">Zeroes the gradients, computes the loss and its gradients, and returns the loss; called several times.</param>
    /// <returns>The loss before the step.</returns>
    /// <exception cref="ArgumentNullException">There is no closure.</exception>
    public override Tensor? step(Func<Tensor>? closure = null)
    {
        ArgumentNullException.ThrowIfNull(closure);
        Tensor first;
        using (enable_grad())
            first = closure();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var (loss, gradient) = (first.ToDouble(), Flat());
        for (var i = 0; i < maxIterations && Largest(gradient) > gradientTolerance; i++)
        {
            if (_direction is not null)
                Remember(gradient);
            var direction = Direction(gradient);
            var length = _steps++ == 0 ? Math.Min(1, 1 / gradient.abs().sum().ToDouble()) * group.LearningRate : group.LearningRate;
            if (gradient.dot(direction).ToDouble() > -changeTolerance)
                break;
            Keep(ref _direction, direction);
            Keep(ref _gradient, gradient);
            _length = length;
            Move(direction, length);
            if (i + 1 == maxIterations || Largest(direction) * length <= changeTolerance)
                break;
            var before = loss;
            using (enable_grad())
                loss = closure().ToDouble();
            gradient = Flat();
            if (Math.Abs(loss - before) < changeTolerance)
                break;
        }
        return first;
    }

    public override void Save(IReadOnlyList<string> names, Action<string, Tensor> tensor, Action<string, JsonNode?> value)
    {
        value("steps", _steps);
        value("length", _length);
        value("history", _history.Count);
        if (_direction is not null)
            tensor("direction", _direction);
        if (_gradient is not null)
            tensor("gradient", _gradient);
        for (var i = 0; i < _history.Count; i++)
        {
            tensor($"history.{i}.step", _history[i].Step);
            tensor($"history.{i}.change", _history[i].Change);
        }
    }

    public override string? Load(IReadOnlyList<string> names, Func<string, Tensor?> tensor, Func<string, JsonNode?> value)
    {
        if (value("steps") is not { } steps)
            return "steps";
        if (value("length") is not { } length)
            return "length";
        if (value("history") is not { } saved)
            return "history";
        var elements = group.Parameters.Sum(parameter => parameter.numel());
        var count = (int)saved;
        if ((long)steps > 0 && Lacks("direction", "gradient") is { } last)
            return last;
        for (var i = 0; i < count; i++)
            if (Lacks($"history.{i}.step", $"history.{i}.change") is { } missing)
                return missing;
        Drop();
        (_steps, _length) = ((long)steps, (double)length);
        _direction = Read("direction");
        _gradient = Read("gradient");
        for (var i = 0; i < count; i++)
            _history.Add((Read($"history.{i}.step")!, Read($"history.{i}.change")!));
        return null;

        string? Lacks(params string[] keys) => keys.FirstOrDefault(key => tensor(key) is not { } found || found.numel() != elements);

        Tensor? Read(string name)
        {
            if (tensor(name) is not { } found)
                return null;
            using var __ = no_grad();
            return empty(elements, group.Parameters[0].dtype, group.Parameters[0].device).copy_(found).DetachFromDisposeScope();
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            Drop();
    }

    private void Drop()
    {
        _direction?.Dispose();
        _gradient?.Dispose();
        foreach (var (step, change) in _history)
        {
            step.Dispose();
            change.Dispose();
        }
        _history.Clear();
        (_direction, _gradient) = (null, null);
    }

    /// <summary>The pair of the last step; left out where the curvature isn't positive.</summary>
    private void Remember(Tensor gradient)
    {
        var step = _direction! * _length;
        var change = gradient - _gradient!;
        if (change.dot(step).ToDouble() <= 1e-10)
            return;
        if (_history.Count == historySize)
        {
            _history[0].Step.Dispose();
            _history[0].Change.Dispose();
            _history.RemoveAt(0);
        }
        _history.Add((step.DetachFromDisposeScope(), change.DetachFromDisposeScope()));
    }

    /// <summary>The inverse Hessian, as the pairs tell it, times the negative gradient.</summary>
    /// <remarks>Each operation as PyTorch's: the method makes roundings grow.</remarks>
    private Tensor Direction(Tensor gradient)
    {
        var q = gradient.neg();
        if (_history.Count == 0)
            return q;
        var inverse = _history.ConvertAll(pair => 1 / pair.Change.dot(pair.Step)); // ρ
        var alphas = new Tensor[_history.Count];
        for (var i = _history.Count - 1; i >= 0; i--)
        {
            alphas[i] = _history[i].Step.dot(q) * inverse[i];
            q.add_(_history[i].Change, alpha: (-alphas[i]).ToScalar());
        }
        var (step, change) = _history[^1];
        q.mul_(change.dot(step) / change.dot(change));
        for (var i = 0; i < _history.Count; i++)
            q.add_(_history[i].Step, alpha: (alphas[i] - _history[i].Change.dot(q) * inverse[i]).ToScalar());
        return q;
    }

    private Tensor Flat() => cat([.. group.Parameters.Select(parameter => (parameter.grad ?? zeros_like(parameter)).reshape(-1))]);

    private void Move(Tensor direction, double length)
    {
        long offset = 0;
        foreach (var parameter in group.Parameters)
        {
            var count = parameter.numel();
            parameter.add_(direction.narrow(0, offset, count).view(parameter.shape), alpha: length);
            offset += count;
        }
    }

    private static double Largest(Tensor tensor) => tensor.abs().max().ToDouble();

    private static void Keep(ref Tensor? field, Tensor value)
    {
        field?.Dispose();
        field = value.clone().DetachFromDisposeScope();
    }
}
