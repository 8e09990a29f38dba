using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Tessera.Framework.Components;

public static class ComponentServiceCollectionExtensions
{
    /// <summary>
    /// Registers every <see cref="ComponentAttribute"/> class of an assembly, as a keyed service too: the base class of its kind,
    /// its name as the key, built with default options. Also registers the <see cref="ComponentRegistry"/> and
    /// <see cref="ComponentBuilder"/>.
    /// </summary>
    /// <exception cref="UserErrorException">A name is given twice in a kind.</exception>
    public static IServiceCollection AddComponents(this IServiceCollection services, Assembly assembly) =>
        services.Add(registry => registry.Add(assembly));

    internal static IServiceCollection Add(
        this IServiceCollection services,
        Func<ComponentRegistry, IReadOnlyList<ComponentDescription>> add
    )
    {
        var registry = services
            .Where(service => service.ServiceType == typeof(ComponentRegistry) && !service.IsKeyedService)
            .Select(service => (ComponentRegistry)service.ImplementationInstance!)
            .FirstOrDefault();
        if (registry is null)
            services.AddSingleton(registry = new ComponentRegistry());
        services.TryAddSingleton<ComponentBuilder>();
        foreach (var component in add(registry))
            services.AddKeyedTransient(component.Kind.Type, component.Name, (provider, _) => BuildDefault(provider, component));
        return services;
    }

    private static object BuildDefault(IServiceProvider provider, ComponentDescription component)
    {
        var registry = provider.GetRequiredService<ComponentRegistry>();
        var source = new SourceLocation(component.Name, 0);
        var map = new ConfigMap(source);
        map.Set("type", new ConfigValue(source, ConfigValueKind.String, component.Name));
        var mistakes = new MistakeList();
        var bound = KeyBinder.BindComponent(new OptionTypes.BindContext(registry, mistakes), component.Kind, component.Kind.Type, map, "");
        mistakes.ThrowIfAny();
        return ComponentConstruction.Build(bound!, provider, []);
    }
}
