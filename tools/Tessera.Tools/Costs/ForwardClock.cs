using System.Diagnostics;
using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Costs;

/// <summary>Tells how much of a prediction is spent in the model's modules; what remains is post-processing.</summary>
/// <remarks>Only the outermost module that is running counts, so nothing counts twice.</remarks>
internal sealed class ForwardClock : IDisposable
{
    private readonly List<Action> _remove = [];
    private readonly Device _device;
    private int _depth;
    private long _since;

    public ForwardClock(VisionModel model, Device device)
    {
        _device = device;
        foreach (var (_, module) in model.named_modules())
            if (ModuleHooks.Around(module, Enter, Leave) is { } remove)
                _remove.Add(remove);
    }

    /// <summary>Time within modules since the last call.</summary>
    public TimeSpan Take()
    {
        var time = Total;
        Total = TimeSpan.Zero;
        return time;
    }

    /// <summary>Waits until the device has done what it was given.</summary>
    public static void Synchronize(Device device)
    {
        if (device.type == DeviceType.CUDA)
            cuda.synchronize();
    }

    public void Dispose()
    {
        foreach (var remove in _remove)
            remove();
    }

    private TimeSpan Total { get; set; }

    private void Enter(nn.Module module)
    {
        if (_depth++ > 0)
            return;
        Synchronize(_device);
        _since = Stopwatch.GetTimestamp();
    }

    private void Leave(nn.Module module, object? output)
    {
        if (--_depth > 0)
            return;
        Synchronize(_device);
        Total += Stopwatch.GetElapsedTime(_since);
    }
}
