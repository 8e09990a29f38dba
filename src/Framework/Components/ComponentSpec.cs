namespace Tessera.Framework.Components;

/// <summary>
/// A component that a config describes, checked but not yet built. As an option's type it leaves the time of building to
/// the owner of the options: <c>ComponentSpec&lt;Dataset&gt; Dataset</c>.
/// </summary>
public sealed class ComponentSpec<T>
    where T : class
{
    internal ComponentSpec(BoundComponent bound) => Bound = bound;

    internal BoundComponent Bound { get; }

    /// <summary>The component's registered name.</summary>
    public string TypeName => Bound.Component.Name;

    /// <summary>The component's class.</summary>
    public Type Type => Bound.Component.Type;

    /// <summary>Its path in the config.</summary>
    public string Path => Bound.Path;

    /// <summary>Its options record, or null where it takes none.</summary>
    public object? Options => Bound.Options;

    /// <summary>Builds it, its children first.</summary>
    /// <param name="services">Where constructor parameters come from that are neither options, children nor parts.</param>
    /// <param name="given">Parts that are handed over to it and its children, see <see cref="ReceivesAttribute"/>; the last fitting one
    /// wins.</param>
    public T Build(IServiceProvider services, params object[] given) => (T)ComponentConstruction.Build(Bound, services, given);
}

/// <summary>One value, or a list of them.</summary>
public sealed class OneOrMany<T>(IReadOnlyList<T> items)
{
    public IReadOnlyList<T> Items { get; } = items;
}

/// <summary>One component, or a map of named ones; a map with a "type" is one component.</summary>
/// <param name="single">The component that stands alone; null where there is a map.</param>
/// <param name="named">The named ones; empty where one stands alone.</param>
public sealed class OneOrNamed<T>(T? single, IReadOnlyDictionary<string, T> named)
    where T : class
{
    public T? Single { get; } = single;

    public IReadOnlyDictionary<string, T> Named { get; } = named;
}
