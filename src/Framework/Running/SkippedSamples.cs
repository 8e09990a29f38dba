using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Framework.Running;

/// <summary>Tells of samples that a loader leaves out while it reads: each once, and how many there are.</summary>
/// <param name="part">train or val, for messages.</param>
/// <param name="warn">Told a line.</param>
internal sealed class SkippedSamples(IBatchLoader loader, string part, Action<string> warn)
{
    private const int Named = 20;

    private readonly HashSet<(string, string)> _told = [];
    private int _seen;

    /// <summary>Names those that are new.</summary>
    public void Tell()
    {
        var skipped = loader.Skipped;
        if (skipped.Count == _seen)
            return;
        _seen = skipped.Count;
        foreach (var (name, reason) in skipped)
        {
            if (!_told.Add((name, reason)) || _told.Count > Named + 1)
                continue;
            warn(
                _told.Count > Named
                    ? $"{part}: further samples are left out, too; their number follows."
                    : $"{part}: left out: {WithName(name, reason)}"
            );
        }
    }

    /// <summary>Says how many there are so far, where there are any.</summary>
    public void Sum()
    {
        Tell();
        if (_seen > 0)
            warn(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{part}: {_seen:N0} of {loader.Dataset.Count:N0} samples could not be read so far; others took their place "
                        + $"(on_bad_sample)."
                )
            );
    }

    private static string WithName(string name, string reason) =>
        reason.Contains(name, StringComparison.Ordinal) ? reason : $"{name}: {reason}";
}
