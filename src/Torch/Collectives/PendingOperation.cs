namespace Tessera.Torch;

/// <summary>Something between processes that was begun and goes on by itself.</summary>
public sealed class PendingOperation
{
    private Action? _end;

    /// <param name="end">Waits until it is done; called once.</param>
    public PendingOperation(Action end) => _end = end;

    /// <summary>One that is done already.</summary>
    public static PendingOperation Done { get; } = new(() => { });

    /// <summary>Waits until it is done: a sum is there, or a tensor that was sent may be changed. Where it was waited for before, nothing
    /// happens.</summary>
    public void Wait()
    {
        var end = _end;
        _end = null;
        end?.Invoke();
    }
}
