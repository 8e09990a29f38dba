using System.Collections;
using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Modules under the names 0, 1, 2 …</summary>
        public class ModuleList<T> : Module, IList<T> where T : Module
        {
            private bool _registered;

            public ModuleList(params T[] modules) : base(nameof(ModuleList<T>)) => extend(modules);

            public T this[int index]
            {
                get => (T)_internal_submodules[index].Item2;
                set
                {
                    _internal_submodules[index] = (_internal_submodules[index].Item1, value);
                    Joined(value);
                }
            }

            public int Count => _internal_submodules.Count;
            public bool IsReadOnly => false;

            public void Add(T item)
            {
                _internal_submodules.Add(Count.ToString(CultureInfo.InvariantCulture), item);
                Joined(item);
            }

            public void append(params T[] parameters) => extend(parameters);

            public void extend(IEnumerable<T> modules)
            {
                foreach (var module in modules)
                    Add(module);
            }

            public void Insert(int index, T item) => Change(list => list.Insert(index, item));

            public void RemoveAt(int index) => Change(list => list.RemoveAt(index));

            public bool Remove(T item)
            {
                var index = IndexOf(item);
                if (index >= 0)
                    RemoveAt(index);
                return index >= 0;
            }

            public void Clear() => _internal_submodules.Clear();
            public bool Contains(T item) => IndexOf(item) >= 0;
            public int IndexOf(T item) => this.ToList().IndexOf(item);

            public void CopyTo(T[] array, int arrayIndex)
            {
                foreach (var item in this)
                    array[arrayIndex++] = item;
            }

            public IEnumerator<T> GetEnumerator()
            {
                foreach (var (_, module) in _internal_submodules)
                    yield return (T)module;
            }

            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

            protected override void RegisterComponents()
            {
                _registered = true;
                foreach (var module in this)
                    RegisterComponentsOf(module);
            }

            private void Joined(T module)
            {
                if (_registered)
                    RegisterComponentsOf(module);
            }

            private void Change(Action<List<T>> change)
            {
                var list = this.ToList();
                change(list);
                Clear();
                extend(list);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);

            public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        }
    }
}
