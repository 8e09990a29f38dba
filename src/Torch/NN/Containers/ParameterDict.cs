using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Parameters under names of one's choice, in the order of adding.</summary>
        public class ParameterDict : Module, IDictionary<string, Parameter>, IList<(string, Parameter)>
        {
            private IEnumerable<(string, Parameter)> Items => this;

            public ParameterDict() : base(nameof(ParameterDict)) { }

            public Parameter this[string key]
            {
                get => _internal_params[key];
                set => ConditionallyRegisterParameter(key, value);
            }

            public (string, Parameter) this[int index]
            {
                get => _internal_params[index];
                set => _internal_params[index] = Kept(value);
            }

            public int Count => _internal_params.Count;
            public bool IsReadOnly => false;
            public ICollection<string> Keys => _internal_params.Keys;
            public ICollection<Parameter> Values => _internal_params.Values;

            public void clear() => Clear();
            public IEnumerator<(string, Parameter)> items() => GetEnumerator();
            public IEnumerable<string> keys() => Keys;
            public IEnumerable<Parameter> values() => Values;

            public void Add((string, Parameter) item) => Add(item.Item1, item.Item2);
            public void Add(KeyValuePair<string, Parameter> item) => Add(item.Key, item.Value);
            public void Add(string key, Parameter value) => register_parameter(key, value);
            public void Insert(int index, (string, Parameter) item) => _internal_params.Insert(index, Kept(item));
            public bool Remove(string key) => _internal_params.Remove(key);
            public bool Remove((string, Parameter) item) => Contains(item) && Remove(item.Item1);
            public bool Remove(KeyValuePair<string, Parameter> item) => Remove((item.Key, item.Value));
            public void RemoveAt(int index) => _internal_params.RemoveAt(index);
            public void Clear() => _internal_params.Clear();
            public bool ContainsKey(string key) => _internal_params.ContainsKey(key);
            public bool Contains((string, Parameter) item) => IndexOf(item) >= 0;
            public bool Contains(KeyValuePair<string, Parameter> item) => Contains((item.Key, item.Value));

            public int IndexOf((string, Parameter) item)
                => Items.ToList().FindIndex(entry => entry.Item1 == item.Item1 && ReferenceEquals(entry.Item2, item.Item2));

            public bool TryGetValue(string key, [MaybeNullWhen(false)] out Parameter value) => _internal_params.TryGetValue(key, out value);
            public void CopyTo((string, Parameter)[] array, int arrayIndex) => _internal_params.CopyTo(array, arrayIndex);
            public void CopyTo(KeyValuePair<string, Parameter>[] array, int arrayIndex) => _internal_params.CopyTo(array, arrayIndex);
            public IEnumerator<(string, Parameter)> GetEnumerator() => _internal_params.GetEnumerator();
            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

            IEnumerator<KeyValuePair<string, Parameter>> IEnumerable<KeyValuePair<string, Parameter>>.GetEnumerator()
                => ((IEnumerable<KeyValuePair<string, Parameter>>)_internal_params).GetEnumerator();

            protected override void RegisterComponents() { }

            private static (string, Parameter) Kept((string, Parameter) item)
            {
                item.Item2.DetachFromDisposeScope();
                return item;
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ParameterDict ParameterDict(params (string, Parameter)[] parameters)
            {
                var result = new ParameterDict();
                foreach (var parameter in parameters)
                    result.Add(parameter);
                return result;
            }
        }
    }
}
