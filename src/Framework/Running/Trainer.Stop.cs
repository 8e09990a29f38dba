using System.Text;
using Microsoft.Extensions.Logging;

namespace Tessera.Framework.Running;

/// <summary>How a run ends early.</summary>
public sealed partial class Trainer
{
    private string? _asked; // in this process: by a hook, or by a signal at any moment
    private string? _stopReason; // what all processes know

    /// <summary>Why the run ended early; null where it didn't.</summary>
    public string? StopReason => _stopReason ?? _asked;

    public override void Stop(string reason)
    {
        if (Interlocked.CompareExchange(ref _asked, reason, null) is null)
            s_log.LogInformation("Stopping: {0}", reason);
    }

    /// <summary>Whether the run ends here. All processes ask at the same points and hear the same, though a signal reaches one of them
    /// first, or alone.</summary>
    private bool Stops()
    {
        if (_stopReason is not null)
            return true;
        _stopReason =
            Group.WorldSize == 1
                ? _asked
                : Group
                    .AllGather(Encoding.UTF8.GetBytes(_asked ?? ""))
                    .Select(Encoding.UTF8.GetString)
                    .FirstOrDefault(reason => reason.Length > 0);
        return _stopReason is not null;
    }
}
