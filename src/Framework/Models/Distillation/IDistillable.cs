namespace Tessera.Framework.Models.Distillation;

/// <summary>A model whose logits are what one of its modules gives, so that it can learn them from another model of its kind, or teach
/// them.</summary>
public interface IDistillable : IExplainable
{
    /// <summary>The module, as in <c>named_modules</c>; it runs through <c>call</c> once in each step.</summary>
    string LogitsFrom { get; }
}
