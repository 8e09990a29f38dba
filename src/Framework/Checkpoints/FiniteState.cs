using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Finds tensors of a run's state that hold a NaN or an infinity, which must not be saved.</summary>
internal static class FiniteState
{
    /// <summary>The names of those that are not finite, in the order given. Reads each device once.</summary>
    public static IReadOnlyList<string> Broken(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var floating = tensors.Where(entry => entry.Value.is_floating_point() || entry.Value.is_complex()).ToArray();
        var broken = new HashSet<string>();
        foreach (var group in floating.GroupBy(entry => entry.Value.device.ToString()))
        {
            var entries = group.ToArray();
            var finite = stack(entries.Select(entry => entry.Value.detach().isfinite().all())).to(ScalarType.Byte).Values<byte>();
            broken.UnionWith(entries.Where((_, i) => finite[i] == 0).Select(entry => entry.Key));
        }
        return [.. floating.Select(entry => entry.Key).Where(broken.Contains)];
    }

    /// <summary>Stops a run whose state is broken.</summary>
    /// <param name="broken">Full names, at least one: <c>model.backbone.bn1.running_var</c>, <c>hooks.ema.ema.…</c>,
    /// <c>optimizers.…</c>.</param>
    /// <param name="goesOn">What the user types to go on from the newest checkpoint; null where there is none.</param>
    public static UserErrorException Error(IReadOnlyList<string> broken, VisionModel model, Progress progress, string? goesOn)
    {
        var others = broken.Count - 1;
        var more = others == 0 ? "" : $" So {(others == 1 ? "is" : "are")} {others} more: {WeightsFileErrors.Some(broken.Skip(1))}.";
        return new(
            $"{broken[0]} is not finite after iteration {progress.Iteration} (epoch {progress.Epoch}){Module(broken[0], model)}.{more}"
                + "\n  The run stops, and nothing of this is saved. A gradient too large does it (train.clip_grad, a lower "
                + "optimizer.lr), or a value that a norm can't take."
                + (goesOn is null ? "" : $"\n  {goesOn}")
        );
    }

    /// <summary>The module that a tensor belongs to, with its type.</summary>
    private static string Module(string tensor, VisionModel model)
    {
        var (name, module) = model
            .named_modules()
            .Where(entry => entry.name.Length > 0 && $".{tensor}.".Contains($".{entry.name}.", StringComparison.Ordinal))
            .MaxBy(entry => entry.name.Length);
        return module is null ? "" : $", in the module {name} ({module.GetType().Name})";
    }
}
