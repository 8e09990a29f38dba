using Tessera.Framework.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// How a tensor is changed when it is published in another project's form. The forms travel in checkpoints as text, so that
/// publishing needs neither model nor plugin.
/// </summary>
public static class PublishedForms
{
    /// <summary>The columns of Swin's merging of patches, token by token, as MMLab has them: channel by channel.</summary>
    public const string MergedPatches = "merged_patches";

    private const string LessWord = "less ";

    /// <summary>Another tensor of the model is taken away: a bias from the mean of the batch norm behind it.</summary>
    /// <param name="key">The model's name of that tensor.</param>
    public static string Less(string key) => LessWord + key;

    /// <summary>A part's form in the whole.</summary>
    internal static string? Below(string? form, string prefix) =>
        form is not null && form.StartsWith(LessWord, StringComparison.Ordinal) ? Less(prefix + form[LessWord.Length..]) : form;

    /// <summary>The form of a checkpoint's tensor; null: as it is.</summary>
    internal static string? Of(Checkpoint checkpoint, string project, string own, string foreign)
    {
        if (checkpoint.Info.PublishedForms is { } forms)
            return forms.GetValueOrDefault(project)?.GetValueOrDefault(own);
        // Checkpoints older than the forms: Swin's was the only one among the maps of that time.
        return
            project == "mmlab"
            && own.Contains(".downsample.", StringComparison.Ordinal)
            && foreign.Contains("stages.", StringComparison.Ordinal)
            ? MergedPatches
            : null;
    }

    /// <summary>The model's tensors that are published within others.</summary>
    internal static HashSet<string> WorkedIn(Checkpoint checkpoint, string project) =>
        [
            .. (checkpoint.Info.PublishedForms?.GetValueOrDefault(project)?.Values ?? [])
                .Where(form => form.StartsWith(LessWord, StringComparison.Ordinal))
                .Select(form => form[LessWord.Length..]),
        ];

    /// <exception cref="UserErrorException">The checkpoint names a form that isn't known here, or one that its tensors don't
    /// have.</exception>
    internal static WeightSource Changed(Checkpoint checkpoint, bool averaged, string own, string foreign, string form)
    {
        var names = checkpoint.ModelNames(averaged);
        using var scope = NewDisposeScope();
        var stored = checkpoint.Read(names[own]);
        if (form == MergedPatches && stored.shape[^1] % 4 == 0)
            return WeightSource.From(foreign, Unmerged(stored).DetachFromDisposeScope());
        if (form.StartsWith(LessWord, StringComparison.Ordinal) && names.TryGetValue(form[LessWord.Length..], out var other))
        {
            var taken = checkpoint.Read(other);
            if (taken.shape.SequenceEqual(stored.shape))
                return WeightSource.From(foreign, (stored - taken).to(stored.dtype).DetachFromDisposeScope());
        }
        throw new UserErrorException(
            $"{checkpoint.Path}: \"{own}\" can't be published as \"{form}\". Was the checkpoint written by a newer Tessera? With "
                + $"--names own it can be published as it is."
        );
    }

    // From (token, channel), tokens by columns, to (channel, token), tokens by rows.
    private static Tensor Unmerged(Tensor stored)
    {
        var order = tensor(new long[] { 0, 2, 1, 3 });
        return stored.reshape(-1, 4, stored.shape[^1] / 4).index_select(1, order).transpose(1, 2).reshape(stored.shape).contiguous();
    }
}
