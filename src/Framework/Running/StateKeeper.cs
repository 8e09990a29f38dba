using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Optimization;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Takes down the state of a run from the parts that have any, for checkpoints, and gives it back to them.</summary>
internal sealed class StateKeeper(TrainerParts parts, RunState state, TrainStep step, ScheduleChain schedule, HookList hooks)
{
    /// <summary>Where a checkpoint says at which iteration the run was last evaluated.</summary>
    public const string EvaluatedAt = "evaluated_at";

    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <summary>The hooks that a config names.</summary>
    private IEnumerable<(string Key, Hook Hook)> Hooks => hooks.Ordered.Where(entry => entry.Hook is not EvaluationHook);

    /// <summary>Between optimizer steps only, so that no gradient has to be kept.</summary>
    /// <exception cref="UserErrorException">A weight, a statistic or what an optimizer or a hook remembers is not finite.</exception>
    public StateWriter Capture()
    {
        state.Guard?.Check(); // what is saved is good
        step.Assemble();
        var captured = new StateWriter();
        var model = captured.Under(CheckpointParts.Model);
        foreach (var (name, tensor) in state.Model.state_dict())
            if (state.Model.Adaptation?.LeftOut.Contains(name) != true)
                model.Write(name, tensor);
        DistillerState.Save(parts.Distiller, captured.Under(CheckpointParts.Distillation));
        step.SaveOptimizers(captured.Under(CheckpointParts.Optimizers));
        schedule.Save(captured.Under(CheckpointParts.Schedule));
        step.RunOptimizers.Context.Scaler?.Save(captured.Under(CheckpointParts.Scaler));

        var random = captured.Under(CheckpointParts.Random);
        foreach (var (name, device) in RandomDevices())
        {
            var states = state.Group.AllGather(RandomState.Get(device));
            for (var rank = 0; rank < states.Count; rank++)
                random.WriteValue($"{rank}.{name}", Convert.ToBase64String(states[rank]));
        }
        SavePlace(captured.Under(CheckpointParts.Loader));
        foreach (var (key, hook) in Hooks)
            hook.Save(captured.Under(CheckpointParts.Hooks).Under(key));
        RequireFinite(captured.Tensors);
        state.Row.Save(captured.Under("losses")); // may be anything where nobody guards them
        return captured;
    }

    /// <summary>Takes up a run where <see cref="Capture"/> left it.</summary>
    /// <exception cref="UserErrorException">The state is damaged, or of another run: another model, optimizer, data set, batch size or
    /// number of processes.</exception>
    public void Resume(StateReader saved)
    {
        var loader = saved.Under(CheckpointParts.Loader);
        if (loader.Value("iteration") is null)
            throw new UserErrorException(
                "The checkpoint holds weights alone, so nothing can be resumed from it. Load them by init: { \"type\": \"Pretrained\", … }."
            );
        ResumeCheck.Require(
            loader,
            new ResumeCheck.Present(
                parts.Replicas,
                parts.TrainLoader.BatchesPerEpoch,
                parts.Step.Accumulate,
                state.Progress.TotalIterations,
                parts.Loop,
                parts.Schedule.Count > 0,
                parts.TrainLoader.OrderedBy
            ),
            text => s_log.LogWarning("{0}", text)
        );

        Restore(saved, rewind: false);
        foreach (var (key, hook) in Hooks)
            hook.Load(saved.Under(CheckpointParts.Hooks).Under(key));
        if ((string?)loader.Value("stopped") is { } stopped && !parts.Loop.IsDone(state) && stopped != Trainer.Interrupted)
            state.Stop($"the run had already ended: {stopped}");
    }

    /// <summary>Everything but the hooks.</summary>
    /// <param name="rewind">The state is this process's own of some steps before.</param>
    public void Restore(StateReader saved, bool rewind)
    {
        SavedWeights.Load(state.Model, saved.Under(CheckpointParts.Model));
        DistillerState.Load(parts.Distiller, saved.Under(CheckpointParts.Distillation));
        step.RunOptimizers.Load(saved.Under(CheckpointParts.Optimizers), rewind);
        schedule.Load(saved.Under(CheckpointParts.Schedule));
        step.RunOptimizers.Context.Scaler?.Load(saved.Under(CheckpointParts.Scaler));
        foreach (var (name, device) in RandomDevices())
        {
            if ((string?)saved.Under(CheckpointParts.Random).Value($"{state.Group.Rank}.{name}") is { } random)
                SetRandom(device, random);
        }
        try
        {
            LoadPlace(saved.Under(CheckpointParts.Loader), saved.Under("losses"));
        }
        catch (Exception error) when (error is FormatException or InvalidOperationException or ArgumentNullException or OverflowException)
        {
            throw Damaged("its place in the run", error);
        }
    }

    /// <exception cref="UserErrorException">A tensor holds a NaN or an infinity.</exception>
    public void RequireFinite(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        var broken = FiniteState.Broken(tensors);
        if (broken.Count == 0)
            return;
        throw FiniteState.Error(
            broken,
            state.Model,
            state.Progress,
            CheckpointHook.Newest(state.WorkDir) is { } newest
                ? $"The checkpoint before it, {newest}, is good: {parts.GoesOn} goes on from it."
                : null
        );
    }

    private void SavePlace(StateWriter loader)
    {
        var (progress, midEpoch) = (state.Progress, state.EpochsDone <= state.Progress.Epoch);
        loader.WriteValue("epoch", midEpoch ? progress.Epoch : state.EpochsDone);
        loader.WriteValue("batch", midEpoch ? state.BatchInEpoch : 0);
        loader.WriteValue("epochs_done", state.EpochsDone);
        loader.WriteValue("iteration", progress.Iteration);
        loader.WriteValue("world_size", parts.Replicas);
        loader.WriteValue("batches_per_epoch", parts.TrainLoader.BatchesPerEpoch);
        loader.WriteValue("accumulate", parts.Step.Accumulate);
        loader.WriteValue("total_steps", progress.TotalIterations);
        loader.WriteValue(
            "order",
            new JsonObject(parts.TrainLoader.OrderedBy.Select(fact => KeyValuePair.Create(fact.Key, (JsonNode?)fact.Value)))
        );
        loader.WriteValue(EvaluatedAt, state.EvaluatedAt);
        loader.WriteValue("stopped", state.StopReason);
        loader.WriteValue("metrics", Numbers(state.Metrics));
        loader.WriteValue("logged", Numbers(state.Row.Values));
    }

    private void LoadPlace(StateReader loader, StateReader losses)
    {
        var iteration = (long)loader.Value("iteration")!;
        state.MoveTo(
            iteration,
            (int)loader.Value("epoch")!,
            (int)loader.Value("batch")!,
            (int)loader.Value("epochs_done")!,
            (long?)loader.Value(EvaluatedAt) ?? iteration // older ones were written after the evaluation
        );
        state.Measured(Numbers(loader.Value("metrics")));
        state.Row.Load(losses, Numbers(loader.Value("logged")), state.Device);
    }

    private static JsonObject Numbers(IReadOnlyDictionary<string, double> values) =>
        new(values.Where(value => double.IsFinite(value.Value)).Select(value => KeyValuePair.Create(value.Key, (JsonNode?)value.Value)));

    private static Dictionary<string, double> Numbers(JsonNode? saved) =>
        saved?.AsObject().ToDictionary(value => value.Key, value => (double)value.Value!) ?? [];

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

    private IEnumerable<(string Name, Device Device)> RandomDevices()
    {
        yield return ("cpu", CPU);
        if (state.Device.type != TorchSharp.DeviceType.CPU)
            yield return ("device", state.Device);
    }
}
