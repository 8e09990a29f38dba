using Tessera.Torch.Interop;
using TorchSharp;

namespace Tessera.Torch;

/// <summary>Mixed precision: while it lives, operators that stand it run in a lower precision on this thread.</summary>
public sealed class Autocast : IDisposable
{
    private readonly int _device, _wasEnabled, _previousType;
    private bool _left;

    private Autocast(DeviceType device, torch.ScalarType type, bool enabled)
    {
        _device = (int)device;
        _wasEnabled = NativeMethods.tessera_autocast_enabled(_device);
        _previousType = NativeMethods.tessera_autocast_dtype(_device);
        Check.Result(NativeMethods.tessera_set_autocast(_device, enabled ? 1 : 0, (int)type));
        _ = NativeMethods.tessera_autocast_nest(1);
    }

    public static Autocast Enter(DeviceType device, torch.ScalarType type, bool enabled = true) => new(device, type, enabled);

    public static bool IsEnabled(DeviceType device) => NativeMethods.tessera_autocast_enabled((int)device) != 0;

    public void Dispose()
    {
        if (_left) return;
        _left = true;
        // The casts of weights are kept for the outermost region's length.
        if (NativeMethods.tessera_autocast_nest(-1) == 0) NativeMethods.tessera_autocast_clear_cache();
        Check.Result(NativeMethods.tessera_set_autocast(_device, _wasEnabled, _previousType));
    }
}
