using TorchSharp.Modules;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>A tensor that a module learns. It takes over the native tensor of <c>data</c>, which can't be used afterwards.</summary>
        public class Parameter : torch.Tensor
        {
            public Parameter(torch.Tensor data, bool requires_grad = true) : this(data, requires_grad, data.OwningDisposeScope) { }

            private Parameter(torch.Tensor data, bool requires_grad, DisposeScope? scope)
                : base(data.with_requires_grad(requires_grad).DecoupleFromNativeHandle(), register: false) => scope?.Link(this);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
