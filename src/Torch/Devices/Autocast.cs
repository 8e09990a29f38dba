using Tessera.Torch.Loading;
using TorchSharp;

namespace Tessera.Torch;

/// <summary>
/// Runs eligible operators in a lower precision on this thread, until disposed; parameters and results that need it stay float32.
/// Why it exists: TorchSharp 0.107 has no autocast. libtorch's is reached by its exported functions.
/// </summary>
public sealed unsafe class Autocast : IDisposable
{
    private readonly sbyte _device;
    private readonly byte _enabled;
    private readonly sbyte _type;
    private bool _left;

    private Autocast(DeviceType device, torch.ScalarType type, bool enabled)
    {
        _device = (sbyte)device;
        (_enabled, _type) = (Functions.IsEnabled(_device), Functions.Type(_device));
        Functions.Enable(_device, enabled ? (byte)1 : (byte)0);
        Functions.SetType(_device, (sbyte)type);
        _ = Functions.Deeper();
    }

    /// <summary>A change of precision that is none.</summary>
    public static IDisposable Unchanged { get; } = new Nothing();

    /// <summary>Whether this libtorch lets itself be asked.</summary>
    public static bool IsAvailable => Functions.Exist;

    public static bool IsEnabled(DeviceType device) => IsAvailable && Functions.IsEnabled((sbyte)device) != 0;

    /// <summary>What operators are run in on a device; null where autocast is off.</summary>
    public static torch.ScalarType? TypeOn(DeviceType device) => IsEnabled(device) ? (torch.ScalarType)Functions.Type((sbyte)device) : null;

    /// <summary>Enters autocast.</summary>
    /// <exception cref="NotSupportedException">This libtorch lacks the functions.</exception>
    public static IDisposable Enter(DeviceType device, torch.ScalarType type) =>
        IsAvailable
            ? new Autocast(device, type, enabled: true)
            : throw new NotSupportedException("This libtorch does not export its autocast functions, so there is no mixed precision.");

    /// <summary>Leaves autocast until disposed, for what a lower precision would spoil.</summary>
    public static IDisposable Leave(DeviceType device) =>
        IsEnabled(device) ? new Autocast(device, (torch.ScalarType)Functions.Type((sbyte)device), enabled: false) : Unchanged;

    public void Dispose()
    {
        if (_left)
            return;
        _left = true;
        if (Functions.Shallower() == 0)
            Functions.Clear(); // the copies of weights in the lower precision
        Functions.Enable(_device, _enabled);
        Functions.SetType(_device, _type);
    }

    private static class Functions
    {
        public static readonly delegate* unmanaged<sbyte, byte, void> Enable = (delegate* unmanaged<sbyte, byte, void>)
            Exports.Find(Exports.SetAutocastEnabled);
        public static readonly delegate* unmanaged<sbyte, byte> IsEnabled = (delegate* unmanaged<sbyte, byte>)
            Exports.Find(Exports.IsAutocastEnabled);
        public static readonly delegate* unmanaged<sbyte, sbyte, void> SetType = (delegate* unmanaged<sbyte, sbyte, void>)
            Exports.Find(Exports.SetAutocastType);
        public static readonly delegate* unmanaged<sbyte, sbyte> Type = (delegate* unmanaged<sbyte, sbyte>)
            Exports.Find(Exports.GetAutocastType);
        public static readonly delegate* unmanaged<int> Deeper = (delegate* unmanaged<int>)Exports.Find(Exports.AutocastDeeper);
        public static readonly delegate* unmanaged<int> Shallower = (delegate* unmanaged<int>)Exports.Find(Exports.AutocastShallower);
        public static readonly delegate* unmanaged<void> Clear = (delegate* unmanaged<void>)Exports.Find(Exports.ClearAutocastCache);

        public static bool Exist =>
            Enable != null && IsEnabled != null && SetType != null && Type != null && Deeper != null && Shallower != null && Clear != null;
    }

    private sealed class Nothing : IDisposable
    {
        public void Dispose() { }
    }
}
