using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>Follows the calls of a model's modules, to know in which of them a step ended. Only modules that run through <c>call</c> are
/// seen.</summary>
internal sealed class CallTrace : IDisposable
{
    private readonly Stack<Call> _open = new();
    private readonly List<Action> _removers = [];

    public CallTrace(nn.Module model)
    {
        foreach (var (name, module) in model.named_modules())
        {
            var remove = ModuleHooks.Around(
                module,
                (called, inputs) => _open.Push(new Call(name, called, [.. inputs.Select(input => input.shape)])),
                (_, _) => _open.Pop()
            );
            if (remove is not null)
                _removers.Add(remove);
        }
    }

    /// <param name="Name">As in <c>named_modules</c>.</param>
    /// <param name="Inputs">The shapes of the tensors that it was given.</param>
    internal sealed record Call(string Name, nn.Module Module, long[][] Inputs);

    /// <summary>The innermost module that was entered and not left; null where all were.</summary>
    public Call? Failed => _open.Count > 0 ? _open.Peek() : null;

    public void Dispose()
    {
        foreach (var remove in _removers)
            remove();
    }
}
