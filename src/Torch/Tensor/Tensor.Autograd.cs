using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        public bool requires_grad
        {
            get => Alive(NativeMethods.tessera_tensor_requires_grad(Handle)) != 0;
            set => Alive(NativeMethods.tessera_tensor_set_requires_grad(Handle, value ? 1 : 0));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public void retain_grad() => Alive(NativeMethods.tessera_tensor_retain_grad(Handle));

        /// <summary>The gradient that backward passes have added up here, or null. Each read gives a new Tensor over the same values.</summary>
        public Tensor? grad
        {
            get
            {
                IntPtr found;
                Alive(NativeMethods.tessera_tensor_grad(Handle, &found));
                return found == IntPtr.Zero ? null : new Tensor(found);
            }
            set
            {
                Alive(NativeMethods.tessera_tensor_set_grad(Handle, value?.Handle ?? IntPtr.Zero));
                GC.KeepAlive(value);
            }
        }

        // Checks a result; called after the native function, it keeps this tensor from being finalized before.
        private int Alive(int result)
        {
            GC.KeepAlive(this);
            return Check.Result(result);
        }

        public void backward() => autograd.backward(this);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);
    }
}
