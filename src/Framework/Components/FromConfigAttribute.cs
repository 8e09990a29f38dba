namespace Tessera.Framework.Components;

/// <summary>
/// Makes a settable property of a component (or of the base class of a kind) a key of its config: a value or a child
/// component that every component below shares. Set after the constructor; absent keys leave the property as it is.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FromConfigAttribute : Attribute;
