using System.Globalization;
using System.Runtime.CompilerServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Modules called one after the other. What lies between two of them is freed as soon as the next has run.</summary>
        public class Sequential : nn.Module<Tensor, Tensor>
        {
            private nn.IModule<Tensor, Tensor>[] _modules = [];

            internal Sequential() : base(nameof(Sequential)) { }

            protected Sequential(params (string name, nn.Module<Tensor, Tensor> submodule)[] modules) : this()
            {
                foreach (var (name, module) in modules)
                    append(name, module);
            }

            protected Sequential(params nn.Module<Tensor, Tensor>[] modules) : this()
            {
                foreach (var module in modules)
                    append(module);
            }

            public int Count => _modules.Length;

            [IndexerName("SequentialItems")]
            public nn.IModule<Tensor, Tensor> this[int index] => _modules[index];

            [IndexerName("SequentialItems")]
            public Sequential this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

            [IndexerName("SequentialItems")]
            public Sequential this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

            public Sequential append(nn.IModule<Tensor, Tensor> module) => append(Count.ToString(CultureInfo.InvariantCulture), module);

            public Sequential append(string name, nn.IModule<Tensor, Tensor> module)
            {
                register_module(name, (nn.Module)module);
                _modules = [.. _modules, module];
                return this;
            }

            public override Tensor forward(Tensor tensor)
            {
                if (_modules.Length == 0)
                    return tensor.alias();
                var current = _modules[0].call(tensor);
                for (var i = 1; i < _modules.Length; i++)
                {
                    var next = _modules[i].call(current);
                    if (!ReferenceEquals(current, tensor) && !ReferenceEquals(current, next))
                        current.Dispose();
                    current = next;
                }
                return current;
            }

            /// <summary>The modules from start up to end under their old names, shared with this one.</summary>
            private Sequential Slice(int start, int end)
            {
                if (start < 0 || start > Count)
                    throw new IndexOutOfRangeException($"{start} is not a valid index.");
                if (end < 0 || end > Count)
                    throw new IndexOutOfRangeException($"{end} is not a valid index.");
                var slice = new Sequential();
                for (var i = start; i < end; i++)
                    slice.append(_internal_submodules[i].Item1, _modules[i]);
                return slice;
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential() => new();

            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules)
                => Sequential((IEnumerable<(string, Module<Tensor, Tensor>)>)modules);

            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => Sequential((IEnumerable<Module<Tensor, Tensor>>)modules);

            public static Sequential Sequential(params Tuple<string, Module<Tensor, Tensor>>[] modules)
                => Sequential((IEnumerable<Tuple<string, Module<Tensor, Tensor>>>)modules);

            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules)
            {
                var result = new Sequential();
                foreach (var (name, module) in modules)
                    result.append(name, module);
                return result;
            }

            public static Sequential Sequential(IEnumerable<Tuple<string, Module<Tensor, Tensor>>> modules)
                => Sequential(modules.Select(named => (named.Item1, named.Item2)));

            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules)
            {
                var result = new Sequential();
                foreach (var module in modules)
                    result.append(module);
                return result;
            }
        }
    }
}
