namespace Tessera.Framework.Components;

/// <summary>A component that was checked: its options read, its children bound, nothing built.</summary>
/// <param name="Values">Bound children and shared properties, by key.</param>
internal sealed record BoundComponent(
    ComponentDescription Component,
    SourceLocation Source,
    string Path,
    object? Options,
    IReadOnlyDictionary<string, object?> Values
);
