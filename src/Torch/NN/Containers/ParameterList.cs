using System.Collections;
using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Parameters under the names 0, 1, 2 …</summary>
        public class ParameterList : Module, IList<Parameter>
        {
            public ParameterList(params Parameter[] parameters) : base(nameof(ParameterList)) => extend(parameters);

            public Parameter this[int index]
            {
                get => _internal_params[index].Item2;
                set => ConditionallyRegisterParameter(_internal_params[index].Item1, value);
            }

            public int Count => _internal_params.Count;
            public bool IsReadOnly => false;

            public void Add(Parameter item) => register_parameter(Count.ToString(CultureInfo.InvariantCulture), item);

            public void append(params Parameter[] parameters) => extend(parameters);

            public void extend(IEnumerable<Parameter> parameters)
            {
                foreach (var parameter in parameters)
                    Add(parameter);
            }

            public void Insert(int index, Parameter item) => Change(list => list.Insert(index, item));

            public void RemoveAt(int index) => Change(list => list.RemoveAt(index));

            public bool Remove(Parameter item)
            {
                var index = IndexOf(item);
                if (index >= 0)
                    RemoveAt(index);
                return index >= 0;
            }

            public void Clear() => _internal_params.Clear();
            public bool Contains(Parameter item) => IndexOf(item) >= 0;
            public int IndexOf(Parameter item) => this.ToList().FindIndex(parameter => ReferenceEquals(parameter, item));

            public void CopyTo(Parameter[] array, int arrayIndex)
            {
                foreach (var item in this)
                    array[arrayIndex++] = item;
            }

            public IEnumerator<Parameter> GetEnumerator()
            {
                foreach (var (_, parameter) in _internal_params)
                    yield return parameter;
            }

            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

            protected override void RegisterComponents() { }

            private void Change(Action<List<Parameter>> change)
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
            public static ParameterList ParameterList(params Parameter[] parameters) => new(parameters);
        }
    }
}
