using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;

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

    /// <summary>The optimizers by name; one that stands alone is named <see cref="OptimizerSet.OnlyName"/>.</summary>
    /// <exception cref="UserErrorException">There are several, and one doesn't say which parameters are its own.</exception>
    public static IReadOnlyDictionary<string, OptimizerFactory> BuildAll(
        this OneOrNamed<ComponentSpec<OptimizerFactory>> specs,
        IServiceProvider services
    )
    {
        if (specs.Single is { } single)
            return new Dictionary<string, OptimizerFactory> { [OptimizerSet.OnlyName] = single.Build(services) };
        var named = specs.Named.ToDictionary(entry => entry.Key, entry => entry.Value.Build(services));
        if (named.Count > 1 && named.FirstOrDefault(entry => entry.Value.Parameters.Count == 0) is { Key: { } open })
            throw new UserErrorException(
                $"optimizer.{open}.parameters: where there are several optimizers, each must say by name patterns which parameters are "
                    + $"its own."
            );
        return named;
    }
}
