using Tessera.Framework.Components;

namespace Tessera;

/// <summary>Maps of components in a config, such as <c>hooks</c> and <c>metrics</c>.</summary>
public static class ComponentMaps
{
    /// <summary>Builds the components by the config's names; those set to null are left out.</summary>
    /// <param name="services">As <see cref="ComponentSpec{T}.Build"/>.</param>
    /// <param name="given">As <see cref="ComponentSpec{T}.Build"/>.</param>
    public static Dictionary<string, T> BuildAll<T>(
        this IReadOnlyDictionary<string, ComponentSpec<T>?>? specs,
        IServiceProvider services,
        params object[] given
    )
        where T : class
    {
        var built = new Dictionary<string, T>();
        foreach (var (name, spec) in specs ?? new Dictionary<string, ComponentSpec<T>?>())
            if (spec is not null)
                built.Add(name, spec.Build(services, given));
        return built;
    }
}
