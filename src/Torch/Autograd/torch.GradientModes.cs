using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static IDisposable no_grad() => new GradMode(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);
    public static bool is_grad_enabled() => NativeMethods.tessera_grad_mode() != 0;
    public static IDisposable inference_mode(bool mode = true) => new InferenceGuard(mode);
    public static bool is_inference_mode_enabled() => NativeMethods.tessera_inference_mode() != 0;

    private sealed class GradMode : IDisposable
    {
        private readonly int _previous = NativeMethods.tessera_grad_mode();

        internal GradMode(bool enabled) => NativeMethods.tessera_set_grad_mode(enabled ? 1 : 0);

        public void Dispose() => NativeMethods.tessera_set_grad_mode(_previous);
    }

    private sealed class InferenceGuard(bool enabled) : IDisposable
    {
        private IntPtr _guard = Check.Result(NativeMethods.tessera_inference_enter(enabled ? 1 : 0));

        public void Dispose()
        {
            if (_guard == IntPtr.Zero) return;
            NativeMethods.tessera_inference_leave(_guard);
            _guard = IntPtr.Zero;
        }
    }
}
