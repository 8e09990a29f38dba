using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Running.Diagnosis;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Where losses are read late, the way back to the batch that broke them.</summary>
public sealed partial class Trainer
{
    private readonly Dictionary<string, Tensor> _snapshot = [];
    private JsonObject _snapshotValues = [];
    private long _replayUntil = long.MaxValue;

    /// <summary>Keeps the present state, known to be good, on the device.</summary>
    private void TakeSnapshot()
    {
        if (_guard is null or { AtOnce: true })
            return;
        ReleaseSnapshot();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var state = Capture();
        foreach (var (name, tensor) in state.Tensors)
            _snapshot.Add(name, tensor.detach().clone().DetachFromDisposeScope());
        _snapshotValues = state.Values.DeepClone().AsObject();
    }

    /// <summary>Goes back to the last snapshot and repeats the batches since then, looking at each; writes nothing.</summary>
    private NonFiniteLossException Rewind(NonFiniteLossException found)
    {
        if (_snapshot.Count == 0)
            return found;
        s_log.LogWarning("A loss was not finite at iteration {0}; going back to find out where it came from.", found.Progress.Iteration);
        _hooks = [];
        _guard!.Forget();
        _guard.AtOnce = true;
        _replayUntil = found.Progress.Iteration;
        foreach (var handle in _optimizers.Handles)
            handle.Forget();
        try
        {
            Restore(new StateReader(_snapshot, _snapshotValues), rewind: true);
            while (_iteration <= _replayUntil && !IsDone)
                RunEpoch();
        }
        catch (NonFiniteLossException again)
        {
            return again;
        }
        catch (UserErrorException error)
        {
            s_log.LogWarning("The batches could not be repeated: {0}", error.Message);
        }
        return found;
    }

    private void ReleaseSnapshot()
    {
        foreach (var tensor in _snapshot.Values)
            tensor.Dispose();
        _snapshot.Clear();
    }
}
