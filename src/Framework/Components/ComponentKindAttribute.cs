namespace Tessera.Framework.Components;

/// <summary>Marks a base class or interface as a kind of component: every component below it belongs to that kind.</summary>
/// <remarks>The nearest marked base class decides; without one, the one marked interface.</remarks>
/// <param name="name">The kind in messages and listings, in the singular and lower case: <c>backbone</c>, <c>batch transform</c>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Interface, Inherited = false)]
public sealed class ComponentKindAttribute(string name) : Attribute
{
    public string Name { get; } = name;

    /// <summary>The plural, where it isn't formed by rule.</summary>
    public string Plural { get; init; } =
        name switch
        {
            [.., 's' or 'x'] => name + "es",
            [.. var stem, 'y'] => stem + "ies",
            _ => name + "s",
        };
}
