using Tessera.Framework.Running;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>Limited-memory BFGS without line search. Over one flat vector of all parameters.</summary>
/// <remarks>Nocedal and Wright, "Numerical optimization", 2nd edition, algorithm 7.4. TorchSharp's own keeps its memory out of reach, so that a run could not be resumed.</remarks>
internal sealed class Lbfgs : OptimizerHelper, IStatefulOptimizer
{
    private readonly LbfgsOptions _options;
    private readonly Parameter[] _all;
    private readonly List<(Tensor Step, Tensor Change)> _history = []; // s and y of the two-loop recursion
    private Tensor? _direction, _gradient;
    private double _length;
    private long _steps;

    public Lbfgs(IReadOnlyList<ParameterGroup> groups, LbfgsOptions options)
    {
        if (groups.Count > 1) throw new UserErrorException("optimizer: Lbfgs takes all parameters as one vector, so \"groups\" and \"layer_decay\" can't be used with it.");
        _options = options;
        _all = [.. groups[0].Parameters];
        _parameter_groups = [new ParamGroup { Parameters = _all, Options = new OptimizerOptions { LearningRate = options.Lr, InitialLearningRate = options.Lr } }];
    }

    public override Tensor step(Func<Tensor>? closure = null)
    {
        ArgumentNullException.ThrowIfNull(closure);
        var first = closure();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradient = Flat();
        var rate = _parameter_groups[0].LearningRate;
        for (var i = 0; i < _options.MaxIter && gradient.abs().max().item<float>() > _options.ToleranceGrad; i++)
        {
            if (_direction is not null) Remember(gradient);
            var direction = Direction(gradient);
            var length = _steps++ == 0 ? Math.Min(1, 1 / gradient.abs().sum().item<float>()) * rate : rate;
            var slope = (double)gradient.dot(direction).item<float>();
            if (slope > -_options.ToleranceChange) break;
            Keep(ref _direction, direction);
            Keep(ref _gradient, gradient);
            _length = length;
            Move(direction, length);
            if (i + 1 == _options.MaxIter || direction.abs().max().item<float>() * length <= _options.ToleranceChange) break;
            using (enable_grad()) closure();
            gradient = Flat();
        }
        return first;
    }

    public void Save(StateWriter state)
    {
        state.WriteValue("steps", _steps);
        state.WriteValue("length", _length);
        state.WriteValue("history", _history.Count);
        if (_direction is not null) state.Write("direction", _direction);
        if (_gradient is not null) state.Write("gradient", _gradient);
        for (var i = 0; i < _history.Count; i++)
        {
            state.Write($"history.{i}.step", _history[i].Step);
            state.Write($"history.{i}.change", _history[i].Change);
        }
    }

    public void Load(StateReader state)
    {
        _steps = (long?)state.Value("steps") ?? 0;
        _length = (double?)state.Value("length") ?? 0;
        _direction = Read("direction");
        _gradient = Read("gradient");
        _history.Clear();
        for (var i = 0; i < ((int?)state.Value("history") ?? 0); i++) _history.Add((Read($"history.{i}.step")!, Read($"history.{i}.change")!));

        Tensor? Read(string name) => state.Tensor(name)?.to(_all[0].device).clone().DetachFromDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _direction?.Dispose();
        _gradient?.Dispose();
        foreach (var (step, change) in _history)
        {
            step.Dispose();
            change.Dispose();
        }
    }

    /// <summary>The pair of the last step; left out where the curvature isn't positive.</summary>
    private void Remember(Tensor gradient)
    {
        var step = _direction! * _length;
        var change = gradient - _gradient!;
        if (change.dot(step).item<float>() <= 1e-10) return;
        if (_history.Count == _options.HistorySize)
        {
            _history[0].Step.Dispose();
            _history[0].Change.Dispose();
            _history.RemoveAt(0);
        }
        _history.Add((step.DetachFromDisposeScope(), change.DetachFromDisposeScope()));
    }

    private Tensor Direction(Tensor gradient)
    {
        var q = gradient.neg();
        var alphas = new Tensor[_history.Count];
        for (var i = _history.Count - 1; i >= 0; i--)
        {
            var (step, change) = _history[i];
            alphas[i] = step.dot(q) / change.dot(step);
            q = q - change * alphas[i];
        }
        if (_history.Count > 0)
        {
            var (step, change) = _history[^1];
            q = q * (step.dot(change) / change.dot(change));
        }
        for (var i = 0; i < _history.Count; i++)
        {
            var (step, change) = _history[i];
            q = q + step * (alphas[i] - change.dot(q) / change.dot(step));
        }
        return q;
    }

    private Tensor Flat() => cat([.. _all.Select(parameter => (parameter.grad ?? zeros_like(parameter)).reshape(-1))]);

    private void Move(Tensor direction, double length)
    {
        long offset = 0;
        foreach (var parameter in _all)
        {
            var count = parameter.numel();
            parameter.add_(direction.narrow(0, offset, count).view(parameter.shape), alpha: length);
            offset += count;
        }
    }

    private static void Keep(ref Tensor? field, Tensor value)
    {
        field?.Dispose();
        field = value.clone().DetachFromDisposeScope();
    }
}

/// <param name="Lr">Length of a step along the direction.</param>
/// <param name="MaxIter">Directions taken per batch.</param>
/// <param name="ToleranceGrad">Stops where no gradient is larger.</param>
/// <param name="ToleranceChange">Stops where no parameter moves further.</param>
/// <param name="HistorySize">Steps remembered.</param>
public sealed record LbfgsOptions(
    [property: Range(0.0, 1e6)] double Lr = 1,
    [property: Range(1, 100000)] int MaxIter = 20,
    [property: Range(0.0, 1.0)] double ToleranceGrad = 1e-7,
    [property: Range(0.0, 1.0)] double ToleranceChange = 1e-9,
    [property: Range(1, 10000)] int HistorySize = 100);

/// <summary>Quasi-Newton steps for small problems and full batches.</summary>
/// <remarks>Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.</remarks>
[Component("Lbfgs")]
public sealed class LbfgsFactory(LbfgsOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) => new Lbfgs(groups, options);
}
