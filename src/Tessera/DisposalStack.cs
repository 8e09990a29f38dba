namespace Tessera;

/// <summary>Things that are disposed in the reverse of the order in which they came, each of them even where another fails.</summary>
internal sealed class DisposalStack : IDisposable
{
    private readonly Stack<IDisposable> _parts = [];

    public T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }

    /// <exception cref="AggregateException">Some could not be disposed; all others were.</exception>
    public void Dispose()
    {
        var faults = new List<Exception>();
        while (_parts.TryPop(out var part))
        {
            try
            {
                part.Dispose();
            }
            catch (Exception fault)
            {
                faults.Add(fault);
            }
        }
        if (faults.Count > 0)
            throw new AggregateException(faults);
    }
}
