using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>While it lasts, a model is in evaluation mode and nothing is computed in a lower precision; afterwards each of its modules is
/// in the mode that it was in.</summary>
internal sealed class InEvaluation : IDisposable
{
    private readonly (nn.Module Module, bool Training)[] _modes;
    private readonly IDisposable _precision;

    public InEvaluation(VisionModel model, DeviceType device)
    {
        nn.Module[] modules = [model, .. model.named_modules().Select(entry => entry.module)];
        _modes = modules.Any(module => module.training) ? [.. modules.Select(module => (module, module.training))] : [];
        _precision = Autocast.Leave(device);
        if (_modes.Length > 0)
            model.eval();
    }

    public void Dispose()
    {
        _precision.Dispose();
        // Parents stand before their children, and setting a module's mode sets its children's.
        foreach (var (module, training) in _modes)
            if (module.training != training)
                module.train(training);
    }
}
