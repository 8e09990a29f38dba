using Tessera.Framework.Components;

namespace Tessera.Framework.Models.Peft;

/// <summary>
/// A way to adapt a trained backbone by few parameters: <c>"peft": { "lora": { "type": "LoRA", … } }</c> in a model. The backbone's
/// weights are frozen; what the method adds, or names of them, is trained, and with it everything outside of the backbone.
/// </summary>
[ComponentKind("peft")]
public abstract class PeftMethod
{
    /// <summary>Adds the method's parameters to a backbone whose first weights are set.</summary>
    /// <exception cref="UserErrorException">The backbone lacks what the method needs.</exception>
    public abstract void Apply(PeftSite site);

    /// <summary>Why what the method adds can't be worked into the backbone's own weights; null where it can.</summary>
    public virtual string? CannotMerge => null;
}
