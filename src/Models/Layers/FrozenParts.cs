using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>Parts of a backbone that are not trained.</summary>
internal static class FrozenParts
{
    /// <summary>Their parameters get no gradient.</summary>
    public static void Freeze(IEnumerable<nn.Module> parts)
    {
        foreach (var parameter in parts.SelectMany(part => part.parameters()))
            parameter.requires_grad = false;
    }

    /// <summary>Their batch norms keep their statistics, whatever mode the rest is in.</summary>
    public static void KeepNorms(IEnumerable<nn.Module> parts)
    {
        foreach (var norm in parts.SelectMany(part => part.modules().Prepend(part)).OfType<BatchNorm2d>())
            norm.eval();
    }
}
