using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>Indices and masks that depend on sizes alone: made once for each size and device, and kept for the next call.</summary>
internal sealed class SizeTables : IDisposable
{
    private const int Most = 6; // images of all sizes may come

    private readonly List<(object Key, string Device, Tensor?[] Tables)> _kept = []; // the last used at the end

    /// <param name="key">What the tables depend on, compared by value.</param>
    /// <param name="make">Makes them; null where there is nothing to look up.</param>
    /// <returns>Which the tables own.</returns>
    public Tensor?[] Get(object key, Device device, Func<Tensor?[]> make)
    {
        var name = device.ToString();
        var at = _kept.FindIndex(known => known.Key.Equals(key) && known.Device == name);
        if (at < 0)
        {
            if (_kept.Count == Most)
                Remove(0);
            _kept.Add((key, name, Make(make)));
        }
        else if (at < _kept.Count - 1)
        {
            var known = _kept[at];
            _kept.RemoveAt(at);
            _kept.Add(known);
        }
        return _kept[^1].Tables;
    }

    public void Dispose()
    {
        while (_kept.Count > 0)
            Remove(_kept.Count - 1);
    }

    private static Tensor?[] Make(Func<Tensor?[]> make)
    {
        using var still = no_grad();
        using var scope = NewDisposeScope();
        var tables = make();
        foreach (var table in tables)
            table?.DetachFromDisposeScope();
        return tables;
    }

    private void Remove(int at)
    {
        foreach (var table in _kept[at].Tables)
            table?.Dispose();
        _kept.RemoveAt(at);
    }
}
