using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>What holds for layers of every model that is made or trained, whoever wrote them. Layers stay what they are, so that names,
/// checkpoints and taps don't change.</summary>
public static class LayerRules
{
    private static readonly Action<nn.Module>[] s_all = [SingleValueNorms.Attach, TinyMaps.Attach];

    /// <summary>From now on. A second time changes nothing.</summary>
    public static void Attach(nn.Module model)
    {
        foreach (var attach in s_all)
            attach(model);
    }
}
