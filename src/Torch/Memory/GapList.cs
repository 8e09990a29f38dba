namespace Tessera.Torch.Memory;

/// <summary>Places within a range of addresses: which are free, which come next. Knows nothing of memory itself.</summary>
/// <param name="capacity">Bytes of the range.</param>
/// <remarks>Best fit; neighbouring gaps join. An iteration of training takes and gives back the same sizes as the one before, so there are
/// few gaps.</remarks>
internal sealed class GapList(long capacity)
{
    private (long Place, long Size)[] _gaps = new (long, long)[256]; // by place
    private int _count;

    /// <summary>Where nothing has ever been taken from on.</summary>
    public long End { get; private set; }

    public ReadOnlySpan<(long Place, long Size)> Gaps => _gaps.AsSpan(0, _count);

    /// <summary>The place of that many bytes; -1 where there is none left.</summary>
    public long Take(long size)
    {
        if (size <= 0 || size > capacity)
            return -1;
        var best = -1;
        for (var i = 0; i < _count; i++)
            if (_gaps[i].Size >= size && (best < 0 || _gaps[i].Size < _gaps[best].Size))
            {
                best = i;
                if (_gaps[i].Size == size)
                    break;
            }
        if (best >= 0)
        {
            var place = _gaps[best].Place;
            if (_gaps[best].Size == size)
                RemoveAt(best);
            else
                _gaps[best] = (place + size, _gaps[best].Size - size);
            return place;
        }
        var grows = _count > 0 && _gaps[_count - 1].Place + _gaps[_count - 1].Size == End; // the gap at the end
        var start = grows ? _gaps[_count - 1].Place : End;
        if (size > capacity - start)
            return -1;
        if (grows)
            _count--;
        End = start + size;
        return start;
    }

    /// <summary>Gives back what <see cref="Take"/> gave.</summary>
    public void GiveBack(long place, long size)
    {
        var (low, high) = (0, _count); // the first gap behind the place
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_gaps[middle].Place < place)
                low = middle + 1;
            else
                high = middle;
        }
        var joinsBefore = low > 0 && _gaps[low - 1].Place + _gaps[low - 1].Size == place;
        var joinsAfter = low < _count && place + size == _gaps[low].Place;
        if (joinsBefore && joinsAfter)
        {
            _gaps[low - 1].Size += size + _gaps[low].Size;
            RemoveAt(low);
        }
        else if (joinsBefore)
            _gaps[low - 1].Size += size;
        else if (joinsAfter)
            _gaps[low] = (place, size + _gaps[low].Size);
        else
            Insert(low, (place, size));
    }

    private void Insert(int index, (long, long) gap)
    {
        if (_count == _gaps.Length)
            Array.Resize(ref _gaps, 2 * _count);
        Array.Copy(_gaps, index, _gaps, index + 1, _count - index);
        _gaps[index] = gap;
        _count++;
    }

    private void RemoveAt(int index) => Array.Copy(_gaps, index + 1, _gaps, index, --_count - index);
}
