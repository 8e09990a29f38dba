using System.Runtime.CompilerServices;

namespace Tessera.Framework.Components;

/// <summary>Where a config describes a component that was built from it, for messages about what it does later.</summary>
/// <param name="Component">What it is.</param>
/// <param name="Source">The file and line.</param>
/// <param name="Path">The path in the config; empty for the config itself.</param>
public sealed record ComponentPlace(ComponentDescription Component, SourceLocation Source, string Path)
{
    private static readonly ConditionalWeakTable<object, ComponentPlace> s_places = [];

    /// <summary>The place of a component, or null where no config describes it.</summary>
    public static ComponentPlace? Of(object component) => s_places.TryGetValue(component, out var place) ? place : null;

    /// <summary>As messages begin: "config.json:5  model.backbone".</summary>
    public override string ToString() => Path.Length == 0 ? $"{Source}" : $"{Source}  {Path}";

    internal static void Note(object component, ComponentPlace place) => s_places.AddOrUpdate(component, place);
}
