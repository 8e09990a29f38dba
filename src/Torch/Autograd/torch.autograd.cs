using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static unsafe partial class autograd
    {
        public static IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            IntPtr[] outs = Handles(outputs), ins = Handles(inputs), grads = Handles(grad_outputs), results = new IntPtr[inputs.Count];
            fixed (IntPtr* o = outs, i = ins, g = grads, r = results)
                Check.Result(NativeMethods.tessera_grad(o, outs.Length, i, ins.Length, g, grads.Length, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, r));
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            // Where allow_unused let an input through that no output depends on, there is no tensor: null.
            return Array.ConvertAll(results, result => result == IntPtr.Zero ? null! : new Tensor(result));
        }

        public static void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            IntPtr[] roots = Handles(tensors), grads = Handles(grad_tensors), ins = Handles(inputs);
            fixed (IntPtr* t = roots, g = grads, i = ins)
                Check.Result(NativeMethods.tessera_backward(t, roots.Length, g, grads.Length, (retain_graph ?? create_graph) ? 1 : 0, create_graph ? 1 : 0, i, ins.Length));
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        public static AnomalyMode detect_anomaly(bool check_nan = true) => new(true, check_nan);

        public static AnomalyMode set_detect_anomaly(bool mode, bool check_nan = true) => new(mode, check_nan);

        private static IntPtr[] Handles(IList<Tensor>? tensors)
        {
            if (tensors is null) return [];
            var handles = new IntPtr[tensors.Count];
            for (var i = 0; i < handles.Length; i++) handles[i] = tensors[i].Handle;
            return handles;
        }
    }
}

/// <summary>While it lives, backward passes look for the operation that made a NaN.</summary>
public class AnomalyMode : IDisposable
{
    private readonly bool _wasEnabled = IsEnabled, _didCheck = ShouldCheckNaN;

    public AnomalyMode(bool enabled, bool check_nan = true) => NativeMethods.tessera_set_anomaly_mode(enabled ? 1 : 0, check_nan ? 1 : 0);

    public static unsafe bool IsEnabled
    {
        get
        {
            int check;
            return NativeMethods.tessera_anomaly_mode(&check) != 0;
        }
    }

    public static unsafe bool ShouldCheckNaN
    {
        get
        {
            int check;
            _ = NativeMethods.tessera_anomaly_mode(&check);
            return check != 0;
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    public void Dispose(bool disposing) => NativeMethods.tessera_set_anomaly_mode(_wasEnabled ? 1 : 0, _didCheck ? 1 : 0);
}
