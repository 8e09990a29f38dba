using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

public sealed partial class Trainer
{
    /// <summary>Written between optimizer steps only, so that no gradient has to be kept.</summary>
    /// <exception cref="UserErrorException">A weight, a statistic or what an optimizer or a hook remembers is not finite.</exception>
    public override StateWriter Capture()
    {
        _guard?.Check(); // what is saved is good
        GradientAverager.Broadcast(Model.buffers(), Group);
        var state = new StateWriter();
        var model = state.Under(CheckpointParts.Model);
        foreach (var (name, tensor) in Model.state_dict())
            model.Write(name, tensor);
        _optimizers.Save(state.Under(CheckpointParts.Optimizers));
        _schedule.Save(state.Under(CheckpointParts.Schedule));
        _optimizers.Context.Scaler?.Save(state.Under(CheckpointParts.Scaler));

        var random = state.Under(CheckpointParts.Random);
        foreach (var (name, device) in RandomDevices())
        {
            var states = Group.AllGather(RandomState.Get(device));
            for (var rank = 0; rank < states.Count; rank++)
                random.WriteValue($"{rank}.{name}", Convert.ToBase64String(states[rank]));
        }

        var loader = state.Under(CheckpointParts.Loader);
        var midEpoch = _epochsDone <= _epoch;
        loader.WriteValue("epoch", midEpoch ? _epoch : _epochsDone);
        loader.WriteValue("batch", midEpoch ? _batchInEpoch : 0);
        loader.WriteValue("epochs_done", _epochsDone);
        loader.WriteValue("iteration", _iteration);
        loader.WriteValue("world_size", Group.WorldSize);
        loader.WriteValue("batches_per_epoch", TrainLoader.BatchesPerEpoch);
        loader.WriteValue("accumulate", _parts.Loop.Accumulate);
        loader.WriteValue("total_steps", _totalSteps);
        loader.WriteValue(
            "order",
            new JsonObject(TrainLoader.OrderedBy.Select(fact => KeyValuePair.Create(fact.Key, (JsonNode?)fact.Value)))
        );
        loader.WriteValue(EvaluatedAt, _evaluatedAt);
        loader.WriteValue("stopped", StopReason);
        loader.WriteValue(
            "metrics",
            new JsonObject(_metrics.Where(m => double.IsFinite(m.Value)).Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)))
        );
        loader.WriteValue(
            "logged",
            new JsonObject(_logged.Where(m => double.IsFinite(m.Value)).Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)))
        );
        foreach (var (key, hook) in _namedHooks)
            hook.Save(state.Under(CheckpointParts.Hooks).Under(key));
        RequireFinite(state.Tensors);
        _losses.Save(state.Under("losses")); // may be anything where nobody guards them
        return state;
    }

    /// <summary>Takes up the run that wrote a checkpoint. Before <see cref="Run"/>; the checkpoint stays open until then.</summary>
    public void Resume(Checkpoint checkpoint)
    {
        checkpoint.RequireClasses(Data);
        Resume(checkpoint.ReadState());
        _resumedFrom = checkpoint;
    }

    /// <summary>Takes up a run where <see cref="Capture"/> left it. Before <see cref="Run"/>.</summary>
    /// <exception cref="UserErrorException">The state is damaged, or of another run: another model, optimizer, data set, batch size or
    /// number of processes.</exception>
    public void Resume(StateReader state)
    {
        var loader = state.Under(CheckpointParts.Loader);
        if (loader.Value("iteration") is null)
            throw new UserErrorException(
                "The checkpoint holds weights alone, so nothing can be resumed from it. Load them by init: { \"type\": \"Pretrained\", … }."
            );
        ResumeCheck.Require(
            loader,
            new ResumeCheck.Present(
                Group.WorldSize,
                TrainLoader.BatchesPerEpoch,
                _parts.Loop.Accumulate,
                _totalSteps,
                _totalEpochs,
                CountsIterations,
                _parts.Schedule.Count > 0,
                TrainLoader.OrderedBy
            ),
            text => s_log.LogWarning("{0}", text)
        );

        Restore(state, rewind: false);
        foreach (var (key, hook) in _namedHooks)
            hook.Load(state.Under(CheckpointParts.Hooks).Under(key));
        if ((string?)loader.Value("stopped") is { } stopped && !IsDone && stopped != Interrupted)
            Stop($"the run had already ended: {stopped}");
    }

    /// <summary>Everything but the hooks.</summary>
    private void Restore(StateReader state, bool rewind)
    {
        var loader = state.Under(CheckpointParts.Loader);
        LoadModel(state.Under(CheckpointParts.Model));
        _optimizers.Load(state.Under(CheckpointParts.Optimizers), rewind);
        _schedule.Load(state.Under(CheckpointParts.Schedule));
        _optimizers.Context.Scaler?.Load(state.Under(CheckpointParts.Scaler));
        foreach (var (name, device) in RandomDevices())
        {
            if ((string?)state.Under(CheckpointParts.Random).Value($"{Group.Rank}.{name}") is { } saved)
                SetRandom(device, saved);
        }

        try
        {
            _epoch = (int)loader.Value("epoch")!;
            _batchInEpoch = (int)loader.Value("batch")!;
            _epochsDone = (int)loader.Value("epochs_done")!;
            _iteration = (long)loader.Value("iteration")!;
            _evaluatedAt = (long?)loader.Value(EvaluatedAt) ?? _iteration; // older ones were written after the evaluation
            _metrics = Numbers("metrics");
            _logged.Clear();
            foreach (var (name, value) in Numbers("logged"))
                _logged[name] = value;
            _losses.Load(state.Under("losses"), Device);
        }
        catch (Exception error) when (error is FormatException or InvalidOperationException or ArgumentNullException or OverflowException)
        {
            throw Damaged("its place in the run", error);
        }
        _stepDone = true; // checkpoints are written between steps

        Dictionary<string, double> Numbers(string key) =>
            loader.Value(key)?.AsObject().ToDictionary(m => m.Key, m => (double)m.Value!) ?? [];
    }

    private static void SetRandom(Device device, string saved)
    {
        try
        {
            RandomState.Set(device, Convert.FromBase64String(saved));
        }
        catch (FormatException error)
        {
            throw Damaged("the state of its random generators", error);
        }
    }

    private static UserErrorException Damaged(string what, Exception error) =>
        new($"The checkpoint can't be resumed: {what} is damaged ({error.Message}). {ResumeCheck.StartAnew}", error);

    /// <summary>Where a checkpoint says at which iteration the run was last evaluated.</summary>
    internal const string EvaluatedAt = "evaluated_at";

    /// <summary>The reason of a stop that the user asked for; a resumed run goes on after it.</summary>
    public const string Interrupted = "interrupted";

    public override CheckpointInfo Describe() =>
        new()
        {
            Config = _parts.Config,
            Data = Data,
            Epoch = _epochsDone,
            Iteration = _iteration,
            Metrics = _metrics,
            PublishedNames = PublishedNames.For(Model),
            PublishedForms = PublishedNames.Forms(Model),
            Source = _parts.Source,
        };

    private void LoadModel(StateReader state)
    {
        using var _ = no_grad();
        var target = Model.state_dict();
        foreach (var (name, tensor) in target)
        {
            var saved =
                state.Tensor(name)
                ?? throw new UserErrorException($"The checkpoint can't be resumed: it has no {name}. Was the model changed since?");
            if (!saved.shape.SequenceEqual(tensor.shape))
            {
                var why = target
                    .Where(pair => state.Tensor(pair.Key) is { } other && !other.shape.SequenceEqual(pair.Value.shape))
                    .Select(pair => Model.ExplainShape(pair.Key, state.Tensor(pair.Key)!.shape))
                    .FirstOrDefault(text => text is not null);
                throw new UserErrorException(
                    $"The checkpoint can't be resumed: its {name} is [{string.Join(", ", saved.shape)}], the model's is "
                        + $"[{string.Join(", ", tensor.shape)}]. {why ?? "Was the model changed since?"}"
                );
            }
            tensor.copy_(saved);
        }
    }

    private IEnumerable<(string Name, Device Device)> RandomDevices()
    {
        yield return ("cpu", CPU);
        if (Device.type != TorchSharp.DeviceType.CPU)
            yield return ("device", Device);
    }
}
