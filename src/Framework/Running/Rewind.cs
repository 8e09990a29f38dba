using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running.Loops;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Where losses are read late (on a GPU): the way back to the batch that broke them.</summary>
internal sealed class Rewind(TrainerParts parts, RunState state, TrainStep step, ScheduleChain schedule, StateKeeper keeper) : IDisposable
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly Dictionary<string, Tensor> _snapshot = [];
    private JsonObject _snapshotValues = [];

    /// <summary>Between two steps: where enough losses have gathered, looks whether all were finite, and if so keeps the present
    /// state.</summary>
    /// <exception cref="NonFiniteLossException">One was not.</exception>
    public void LookBack()
    {
        if (step.Guard is not { IsDue: true } guard)
            return;
        guard.Check();
        Keep();
    }

    /// <summary>Keeps the present state, known to be good, on the device.</summary>
    public void Keep()
    {
        if (step.Guard is null or { AtOnce: true })
            return;
        Release();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var captured = keeper.Capture();
        foreach (var (name, tensor) in captured.Tensors)
            _snapshot.Add(name, tensor.detach().clone().DetachFromDisposeScope());
        _snapshotValues = captured.Values.DeepClone().AsObject();
    }

    /// <summary>Goes back to the state that was kept and repeats the batches since then, looking at each. No hook hears of it.</summary>
    /// <returns>What the batch has shown; what was found first where it can't be found again.</returns>
    public NonFiniteLossException Replay(NonFiniteLossException found)
    {
        if (_snapshot.Count == 0 || step.Guard is not { } guard)
            return found;
        var until = found.Progress.Iteration;
        s_log.LogWarning("A loss was not finite at iteration {0}; going back to find out where it came from.", until);
        guard.Forget();
        guard.AtOnce = true;
        foreach (var handle in step.RunOptimizers.Handles)
            handle.Forget();
        try
        {
            keeper.Restore(new StateReader(_snapshot, _snapshotValues), rewind: true);
            var again = new Training(parts, state, step, schedule, HookList.None, stops: () => state.Progress.Iteration > until);
            new EpochLoop(new EpochLoopOptions(state.Progress.TotalEpochs)).Run(again);
        }
        catch (NonFiniteLossException explained)
        {
            return explained;
        }
        catch (UserErrorException error)
        {
            s_log.LogWarning("The batches could not be repeated: {0}", error.Message);
        }
        return found;
    }

    public void Dispose() => Release();

    private void Release()
    {
        foreach (var tensor in _snapshot.Values)
            tensor.Dispose();
        _snapshot.Clear();
    }
}
