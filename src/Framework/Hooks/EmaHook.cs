using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Hooks;

/// <param name="Decay">Share of the average that a step keeps.</param>
/// <param name="Warmup">Begin with a small decay: after n steps at most (1 + n) / (10 + n).</param>
/// <param name="Start">Optimizer steps before averaging begins.</param>
/// <param name="Interval">Optimizer steps between updates.</param>
public sealed record EmaHookOptions(
    [property: Range(0.0, 1.0)] double Decay = 0.9998,
    bool Warmup = true,
    [property: Range(0L, long.MaxValue)] long Start = 0,
    [property: Range(1, 100000)] int Interval = 1
);

/// <summary>
/// Keeps an exponential moving average of the weights (and of the norms' statistics), evaluates with it, and saves it
/// with every checkpoint.
/// </summary>
/// <remarks>Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.</remarks>
[Component("EmaHook")]
public sealed class EmaHook(EmaHookOptions options) : Hook, IReadsWeights, IDisposable
{
    private readonly Dictionary<string, Tensor> _average = [];
    private readonly Dictionary<string, Tensor> _trained = [];
    private readonly RunningAverage _pass = new();
    private long _updates;

    public override int Order => HookOrder.Averages;

    /// <summary>Whether there is an average yet.</summary>
    public bool HasAverage => _average.Count > 0;

    public override void AfterIteration(RunState run, Batch batch, LossMap losses)
    {
        var iteration = run.Progress.Iteration;
        if (!run.StepDone || iteration <= options.Start || (iteration - options.Start) % options.Interval != 0)
            return;
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var decay = options.Warmup ? Math.Min(options.Decay, (1.0 + _updates) / (10 + _updates)) : options.Decay;
        _updates++;
        var pairs = new List<(Tensor, Tensor)>();
        foreach (var (name, value) in Averaged(run.Model))
        {
            if (!_average.TryGetValue(name, out var average))
                _average.Add(name, value.detach().clone().DetachFromDisposeScope());
            else if (value.is_floating_point())
                pairs.Add((average, value));
            else
                average.copy_(value);
        }
        _pass.Update(pairs, decay);
    }

    public override void BeforeEvaluation(RunState run)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, value) in Averaged(run.Model))
        {
            if (!_average.TryGetValue(name, out var average))
                continue;
            if (_trained.TryGetValue(name, out var kept))
                kept.copy_(value);
            else
                _trained.Add(name, value.detach().clone().DetachFromDisposeScope());
            value.copy_(average);
        }
    }

    public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics) => PutBack(run);

    public override void EvaluationFailed(RunState run) => PutBack(run);

    private void PutBack(RunState run)
    {
        using var _ = no_grad();
        foreach (var (name, value) in Averaged(run.Model))
        {
            if (_trained.TryGetValue(name, out var kept))
                value.copy_(kept);
        }
        Release(_trained);
    }

    public override void Save(StateWriter state)
    {
        state.WriteValue("updates", _updates);
        var average = state.Under(CheckpointParts.Averaged);
        foreach (var (name, tensor) in _average)
            average.Write(name, tensor);
    }

    public override void Load(StateReader state)
    {
        Release(_average);
        _updates = (long?)state.Value("updates") ?? 0;
        var average = state.Under(CheckpointParts.Averaged);
        foreach (var name in average.TensorNames)
            _average.Add(name, average.Tensor(name)!.clone().DetachFromDisposeScope());
    }

    public override void BeforeRun(RunState run)
    {
        using var _ = no_grad();
        foreach (var (name, value) in Averaged(run.Model))
        {
            if (!_average.TryGetValue(name, out var loaded))
                continue;
            var placed = zeros_like(value); // on the model's device, laid out as the model is
            placed.copy_(loaded);
            _average[name] = placed.DetachFromDisposeScope();
            loaded.Dispose();
        }
    }

    public void Dispose()
    {
        Release(_average);
        Release(_trained);
    }

    // What stays as it is has no average: the base of an adapted model.
    private static IEnumerable<KeyValuePair<string, Tensor>> Averaged(VisionModel model) =>
        model.state_dict().Where(entry => model.Adaptation?.Base.Contains(entry.Key) != true);

    private static void Release(Dictionary<string, Tensor> tensors)
    {
        foreach (var tensor in tensors.Values)
            tensor.Dispose();
        tensors.Clear();
    }
}
