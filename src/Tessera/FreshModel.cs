using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Framework.Running;
using Tessera.Torch.Layers;

namespace Tessera;

/// <summary>Makes models on the CPU.</summary>
internal static class FreshModel
{
    /// <summary>The model with its first weights, and then with what its <c>peft</c> adds.</summary>
    /// <param name="initial">What the weights must agree with; null: they stay random.</param>
    public static VisionModel Make(ComponentSpec<VisionModel> spec, IServiceProvider services, DataInfo data, InitContext? initial)
    {
        var model = Kept.Keep(spec.Build(services, data));
        LayerRules.Attach(model);
        try
        {
            if (initial is not null)
                ModelInitialization.Apply(model, initial);
            Adaptation.Attach(model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
