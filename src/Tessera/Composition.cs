using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Plugins;

namespace Tessera;

/// <summary>Puts together the components and services of a run: Tessera's own and the plugins that the user named.</summary>
public static class Composition
{
    /// <summary>The assemblies whose components every config may name.</summary>
    public static IEnumerable<Assembly> Assemblies() =>
        [typeof(ComponentRegistry).Assembly, Assembly.Load("Tessera.Models"), Assembly.Load("Tessera.Datasets")];

    /// <summary>The components alone, without services.</summary>
    /// <param name="note">Told which plugins are built and loaded.</param>
    public static ComponentRegistry Registry(ConfigDocument? document = null, Action<string>? note = null)
    {
        var registry = new ComponentRegistry();
        foreach (var assembly in Assemblies())
            registry.Add(assembly);
        foreach (var plugin in Load(document, note))
            PluginLoader.AddTo(registry, plugin);
        return registry;
    }

    /// <summary>The components as services, with the document as configuration.</summary>
    /// <param name="note">Told which plugins are built and loaded.</param>
    public static ServiceCollection Services(ConfigDocument document, Action<string>? note = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton(document);
        services.AddSingleton<IConfiguration>(_ => document.ToConfiguration());
        foreach (var assembly in Assemblies())
            services.AddComponents(assembly);
        foreach (var plugin in Load(document, note))
            services.AddComponents(plugin);
        services.AddDatasets();
        return services;
    }

    private static IEnumerable<LoadedPlugin> Load(ConfigDocument? document, Action<string>? note)
    {
        foreach (var reference in document?.Plugins ?? [])
        {
            var plugin = PluginLoader.Load(reference, note);
            note?.Invoke(plugin.ToString());
            yield return plugin;
        }
    }
}
