using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace TorchSharp.Utils;

/// <summary>A dictionary that remembers the order in which its keys were added.</summary>
public class OrderedDict<TKey, TValue> : IDictionary<TKey, TValue>, IList<(TKey, TValue)> where TKey : notnull
{
    private readonly List<(TKey, TValue)> _list = [];
    private readonly Dictionary<TKey, TValue> _dict = [];

    public TValue this[TKey key]
    {
        get => _dict[key];
        set
        {
            if (_dict.TryAdd(key, value))
            {
                _list.Add((key, value));
                return;
            }
            _dict[key] = value;
            _list[IndexOfKey(key)] = (key, value);
        }
    }

    public (TKey, TValue) this[int index]
    {
        get => _list[index];
        set
        {
            var old = _list[index].Item1;
            if (!_dict.Comparer.Equals(old, value.Item1))
            {
                _dict.Add(value.Item1, value.Item2);
                _dict.Remove(old);
            }
            _dict[value.Item1] = value.Item2;
            _list[index] = value;
        }
    }

    public int Count => _dict.Count;
    public bool IsReadOnly => false;
    public ICollection<TKey> Keys => _list.ConvertAll(item => item.Item1);
    public ICollection<TValue> Values => _list.ConvertAll(item => item.Item2);

    public void clear() => Clear();
    public IEnumerator<(TKey, TValue)> items() => _list.GetEnumerator();
    public IEnumerable<TKey> keys() => Keys;
    public IEnumerable<TValue> values() => Values;

    public void Add((TKey, TValue) item) => Add(item.Item1, item.Item2);
    public void Add(KeyValuePair<TKey, TValue> item) => Add(item.Key, item.Value);

    public void Add(TKey key, TValue value)
    {
        _dict.Add(key, value);
        _list.Add((key, value));
    }

    public void Insert(int index, (TKey, TValue) item)
    {
        _dict.Add(item.Item1, item.Item2);
        _list.Insert(index, item);
    }

    public bool Remove(TKey key)
    {
        if (!_dict.Remove(key))
            return false;
        _list.RemoveAt(IndexOfKey(key));
        return true;
    }

    public bool Remove((TKey, TValue) item) => Contains(item) && Remove(item.Item1);
    public bool Remove(KeyValuePair<TKey, TValue> item) => Contains(item) && Remove(item.Key);

    public void RemoveAt(int index)
    {
        _dict.Remove(_list[index].Item1);
        _list.RemoveAt(index);
    }

    public void Clear()
    {
        _dict.Clear();
        _list.Clear();
    }

    public bool Contains((TKey, TValue) item) => _list.Contains(item);
    public bool Contains(KeyValuePair<TKey, TValue> item) => _list.Contains((item.Key, item.Value));
    public bool ContainsKey(TKey key) => _dict.ContainsKey(key);
    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => _dict.TryGetValue(key, out value);
    public int IndexOf((TKey, TValue) item) => _list.IndexOf(item);
    public void CopyTo((TKey, TValue)[] array, int arrayIndex) => _list.CopyTo(array, arrayIndex);

    public void CopyTo(KeyValuePair<TKey, TValue>[] array, int arrayIndex)
    {
        foreach (var (key, value) in _list)
            array[arrayIndex++] = new(key, value);
    }

    public IEnumerator<(TKey, TValue)> GetEnumerator() => _list.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => _list.GetEnumerator();

    IEnumerator<KeyValuePair<TKey, TValue>> IEnumerable<KeyValuePair<TKey, TValue>>.GetEnumerator()
    {
        foreach (var (key, value) in _list)
            yield return new(key, value);
    }

    private int IndexOfKey(TKey key) => _list.FindIndex(item => _dict.Comparer.Equals(item.Item1, key));
}
