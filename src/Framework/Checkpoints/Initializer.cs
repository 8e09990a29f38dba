using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Sets a module's weights before training: <c>"init": { "type": "Pretrained", … }</c> in a backbone or a model.</summary>
[ComponentKind("init")]
public abstract class Initializer
{
    /// <param name="module">A backbone or a whole model, built and on the CPU.</param>
    /// <param name="context">What else the weights must agree with.</param>
    public abstract void Initialize(nn.Module module, InitContext context);
}

/// <param name="Data">The data's classes; null where there is no data.</param>
/// <param name="BaseFolder">Relative paths are taken from here: the working directory.</param>
public sealed record InitContext(DataInfo? Data = null, string BaseFolder = ".");

/// <summary>Runs the initializers of a model and of its backbones.</summary>
public static class ModelInitialization
{
    /// <summary>Backbones first, the model last, so that a whole model's weights win. Call once, before optimizers are made.</summary>
    public static void Apply(VisionModel model, InitContext context)
    {
        foreach (var backbone in model.modules().OfType<Backbone>()) backbone.Init?.Initialize(backbone, context);
        model.Init?.Initialize(model, context);
    }
}
