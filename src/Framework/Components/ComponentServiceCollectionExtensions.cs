using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Tessera.Framework.Components;

public static class ComponentServiceCollectionExtensions
{
    /// <summary>
    /// Registers the <see cref="ComponentAttribute"/> classes of an assembly with the <see cref="ComponentRegistry"/>, by which the
    /// <see cref="ComponentBuilder"/> builds them, and its sections of the config as <see cref="IOptions{TOptions}"/>.
    /// </summary>
    /// <exception cref="UserErrorException">A name is given twice in a kind.</exception>
    public static IServiceCollection AddComponents(this IServiceCollection services, Assembly assembly) =>
        services.Add(registry => registry.Add(assembly));

    internal static IServiceCollection Add(this IServiceCollection services, Action<ComponentRegistry> add)
    {
        var registry = services
            .Where(service => service.ServiceType == typeof(ComponentRegistry) && !service.IsKeyedService)
            .Select(service => (ComponentRegistry)service.ImplementationInstance!)
            .FirstOrDefault();
        if (registry is null)
            services.AddSingleton(registry = new ComponentRegistry());
        services.TryAddSingleton<ComponentBuilder>();
        add(registry);
        foreach (var record in registry.Sections.Values)
            services.TryAddSingleton(typeof(IOptions<>).MakeGenericType(record), typeof(SectionOptions<>).MakeGenericType(record));
        return services;
    }
}
