using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Modules under names of one's choice, in the order of adding.</summary>
        public class ModuleDict<T> : Module, IDictionary<string, T>, IList<(string, T)> where T : Module
        {
            private bool _registered;
            private IEnumerable<(string, T)> Items => this;

            public ModuleDict() : base(nameof(ModuleDict<T>)) { }

            public T this[string key]
            {
                get => (T)_internal_submodules[key];
                set
                {
                    _internal_submodules[key] = value;
                    Joined(value);
                }
            }

            public (string, T) this[int index]
            {
                get => (_internal_submodules[index].Item1, (T)_internal_submodules[index].Item2);
                set
                {
                    _internal_submodules[index] = value;
                    Joined(value.Item2);
                }
            }

            public int Count => _internal_submodules.Count;
            public bool IsReadOnly => false;
            public ICollection<string> Keys => _internal_submodules.Keys;
            public ICollection<T> Values => Items.Select(item => item.Item2).ToList();

            public void clear() => Clear();
            public IEnumerator<(string, T)> items() => GetEnumerator();
            public IEnumerable<string> keys() => Keys;
            public IEnumerable<T> values() => Values;

            public void Add((string, T) item) => Add(item.Item1, item.Item2);
            public void Add(KeyValuePair<string, T> item) => Add(item.Key, item.Value);

            public void Add(string key, T value)
            {
                _internal_submodules.Add(key, value);
                Joined(value);
            }

            public void Insert(int index, (string, T) item)
            {
                _internal_submodules.Insert(index, item);
                Joined(item.Item2);
            }

            public bool Remove(string key) => _internal_submodules.Remove(key);
            public bool Remove((string, T) item) => _internal_submodules.Remove(((string, Module))item);
            public bool Remove(KeyValuePair<string, T> item) => Remove((item.Key, item.Value));
            public void RemoveAt(int index) => _internal_submodules.RemoveAt(index);
            public void Clear() => _internal_submodules.Clear();
            public bool ContainsKey(string key) => _internal_submodules.ContainsKey(key);
            public bool Contains((string, T) item) => IndexOf(item) >= 0;
            public bool Contains(KeyValuePair<string, T> item) => Contains((item.Key, item.Value));
            public int IndexOf((string, T) item) => _internal_submodules.IndexOf(item);

            public void CopyTo((string, T)[] array, int arrayIndex)
            {
                foreach (var item in this)
                    array[arrayIndex++] = item;
            }

            public void CopyTo(KeyValuePair<string, T>[] array, int arrayIndex)
            {
                foreach (var (key, value) in this)
                    array[arrayIndex++] = new(key, value);
            }

            public bool TryGetValue(string key, [MaybeNullWhen(false)] out T value)
            {
                var found = _internal_submodules.TryGetValue(key, out var module);
                value = (T?)module;
                return found;
            }

            public IEnumerator<(string, T)> GetEnumerator()
            {
                foreach (var (key, module) in _internal_submodules)
                    yield return (key, (T)module);
            }

            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

            IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator()
            {
                foreach (var (key, module) in _internal_submodules)
                    yield return new(key, (T)module);
            }

            protected override void RegisterComponents()
            {
                _registered = true;
                foreach (var (_, module) in _internal_submodules)
                    RegisterComponentsOf(module);
            }

            private void Joined(T module)
            {
                if (_registered)
                    RegisterComponentsOf(module);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ModuleDict<Module> ModuleDict(params (string, Module)[] modules) => ModuleDict<Module>(modules);

            public static ModuleDict<T> ModuleDict<T>(params (string, T)[] modules) where T : Module
            {
                var result = new ModuleDict<T>();
                foreach (var (name, module) in modules)
                    result.Add(name, module);
                return result;
            }
        }
    }
}
