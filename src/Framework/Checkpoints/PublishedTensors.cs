using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>A checkpoint's tensors in another project's form; see <see cref="PublishedForms"/>.</summary>
internal static class PublishedTensors
{
    /// <summary>The form of a checkpoint's tensor; null: as it is.</summary>
    public static string? Of(Checkpoint checkpoint, string project, string own, string foreign)
    {
        if (checkpoint.Info.PublishedForms is { } forms)
            return forms.GetValueOrDefault(project)?.GetValueOrDefault(own);
        // Checkpoints older than the forms: Swin's was the only one among the maps of that time.
        return
            project == "mmlab"
            && own.Contains(".downsample.", StringComparison.Ordinal)
            && foreign.Contains("stages.", StringComparison.Ordinal)
            ? PublishedForms.MergedPatches
            : null;
    }

    /// <summary>The model's tensors that are published within others.</summary>
    public static HashSet<string> WorkedIn(Checkpoint checkpoint, string project) =>
        [.. (checkpoint.Info.PublishedForms?.GetValueOrDefault(project)?.Values ?? []).Select(PublishedForms.TakenAway).OfType<string>()];

    /// <exception cref="UserErrorException">The checkpoint names a form that isn't known here, or one that its tensors don't
    /// have.</exception>
    public static WeightSource Changed(Checkpoint checkpoint, bool averaged, string own, string foreign, string form)
    {
        var names = checkpoint.ModelNames(averaged);
        using var scope = NewDisposeScope();
        var stored = checkpoint.Read(names[own]);
        if (form == PublishedForms.MergedPatches && stored.shape[^1] % 4 == 0)
            return WeightSource.From(foreign, Unmerged(stored).DetachFromDisposeScope());
        if (form == PublishedForms.Linear && stored.shape is [_, _, 1, 1])
            return WeightSource.From(foreign, stored.flatten(1).DetachFromDisposeScope());
        if (PublishedForms.OnesOf(form) is { } ones)
        {
            long[] shape = [.. Enumerable.Repeat(1L, ones.Before), .. stored.shape, .. Enumerable.Repeat(1L, ones.After)];
            return WeightSource.From(foreign, stored.reshape(shape).clone().DetachFromDisposeScope());
        }
        if (PublishedForms.TakenAway(form) is { } taking && names.TryGetValue(taking, out var other))
        {
            var taken = checkpoint.Read(other);
            if (taken.shape.SequenceEqual(stored.shape))
                return WeightSource.From(foreign, (stored - taken).to(stored.dtype).DetachFromDisposeScope());
        }
        throw new UserErrorException(
            $"{checkpoint.Path}: \"{own}\" can't be published as \"{form}\". Was the checkpoint written by a newer Tessera? With "
                + $"names \"own\" it can be published as it is.",
            new Advice("names \"own\"", "names")
        );
    }

    // From (token, channel), tokens by columns, to (channel, token), tokens by rows.
    private static Tensor Unmerged(Tensor stored)
    {
        var order = tensor(new long[] { 0, 2, 1, 3 });
        return stored.reshape(-1, 4, stored.shape[^1] / 4).index_select(1, order).transpose(1, 2).reshape(stored.shape).contiguous();
    }
}
