using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A module that does something extra only while its output is tapped; see <see cref="Tap"/>.</summary>
public interface ITappable
{
    /// <summary>Called when a tap is set, and, with false, when it is taken off.</summary>
    void OnTap(bool set);

    /// <summary>Whether someone wants the output.</summary>
    bool Tapped { get; }
}

/// <summary>
/// Captures what a submodule gives, each time it runs, until disposed. What is captured belongs to the tap: it outlives
/// the forward's dispose scopes, keeps its place in the graph (gradients with respect to it can be taken), and is freed
/// by the module's next run or with the tap.
/// </summary>
/// <remarks>
/// What is captured is a clone of the output, and the module's users go on with a clone of that, so that neither their
/// in-place operations nor their disposing reach it. Only modules that run through <c>call</c> can be tapped.
/// </remarks>
public sealed class Tap : IDisposable
{
    private static readonly ConditionalWeakTable<nn.Module, StrongBox<int>> s_tapped = [];

    private readonly nn.Module _module;
    private readonly Action _remove;
    private Tensor[] _captured = [];
    private bool _disposed;

    internal Tap(string name, nn.Module module)
    {
        (Name, _module) = (name, module);
        if (!GivesTensors(module))
            throw new UserErrorException($"\"{name}\" can't be tapped: {module.GetName()} does not give tensors through call.");
        _remove = ModuleHooks.After(module, (_, output) => output is Tensor tensor ? Capture(tensor) : Capture((Tensor[])output!))!;
        Interlocked.Increment(ref s_tapped.GetOrCreateValue(module).Value);
        (module as ITappable)?.OnTap(true);
    }

    /// <summary>Whether a module is tapped, and so must run through its own <c>call</c>.</summary>
    public static bool IsSet(nn.Module module) => s_tapped.TryGetValue(module, out var taps) && Volatile.Read(ref taps.Value) > 0;

    /// <summary>Whether a module gives a tensor or several, and so can be tapped.</summary>
    internal static bool GivesTensors(nn.Module module) =>
        ModuleHooks.OutputOf(module) is { } type && (type == typeof(Tensor) || type == typeof(Tensor[]));

    /// <summary>The module's name, as in <c>named_modules</c>.</summary>
    public string Name { get; }

    /// <summary>What the last run gave.</summary>
    /// <exception cref="InvalidOperationException">The module has not run since it was tapped, or gives several tensors.</exception>
    public Tensor Value =>
        _captured.Length == 1
            ? _captured[0]
            : throw new InvalidOperationException(
                _captured.Length == 0
                    ? $"\"{Name}\" has not run since it was tapped."
                    : $"\"{Name}\" gives {_captured.Length} tensors; ask for Values."
            );

    /// <summary>What the last run gave; empty where there was none.</summary>
    public IReadOnlyList<Tensor> Values => _captured;

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _remove();
        Interlocked.Decrement(ref s_tapped.GetOrCreateValue(_module).Value);
        (_module as ITappable)?.OnTap(false);
        Free();
    }

    private Tensor Capture(Tensor output) => Capture([output])[0];

    // The output itself can't be kept: it may be an input too, which others dispose of.
    private Tensor[] Capture(Tensor[] outputs)
    {
        Free();
        _captured = [.. outputs.Select(output => output.clone().DetachFromDisposeScope())];
        return [.. _captured.Select(captured => captured.clone())];
    }

    private void Free()
    {
        foreach (var tensor in _captured)
            tensor.Dispose();
        _captured = [];
    }
}

public static class TapExtensions
{
    /// <summary>Captures a submodule's output from now on, until the tap is disposed.</summary>
    /// <param name="name">As in <c>named_modules</c>: "backbone.layer4", "backbone.blocks.3.attn.weights" (attention weights, [B, heads, N,
    /// N]).</param>
    /// <exception cref="UserErrorException">There is no such module, or it gives no tensors.</exception>
    public static Tap Tap(this nn.Module model, string name)
    {
        var modules = model.named_modules().ToArray();
        foreach (var (candidate, module) in modules)
            if (candidate == name)
                return new Tap(name, module);
        throw new UserErrorException(
            $"{model.GetName()} has no module \"{name}\".{NearestName.Suggest(name, modules.Select(m => m.name))}"
        );
    }

    /// <summary>Names that <see cref="Tap(nn.Module, string)"/> takes.</summary>
    public static IEnumerable<string> TapNames(this nn.Module model) =>
        model.named_modules().Where(m => Models.Tap.GivesTensors(m.module)).Select(m => m.name);
}
