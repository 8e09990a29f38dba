using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch.Layers;

/// <summary>Modules that outlive the dispose scope they were built in.</summary>
/// <remarks>
/// Why it exists: parameters and buffers that a module makes itself belong to the scope that is open at that moment, in TorchSharp 0.107;
/// when it closes,
/// the module has lost them. It can go when the test <c>ModuleDefects.Module_BuiltInsideAScope_LosesParametersOfItsOwn</c> fails.
/// </remarks>
public static class Kept
{
    /// <summary>Takes a module's parameters and buffers out of all dispose scopes: the module alone disposes them.</summary>
    /// <returns>The module itself.</returns>
    public static T Keep<T>(T module)
        where T : nn.Module
    {
        foreach (var parameter in module.parameters())
            parameter.DetachFromDisposeScope();
        foreach (var buffer in module.buffers())
            buffer.DetachFromDisposeScope();
        return module;
    }
}
