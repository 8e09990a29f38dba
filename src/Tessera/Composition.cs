using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Datasets;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Messages;
using Tessera.Framework.Plugins;

namespace Tessera;

/// <summary>Puts together the components and services of a run: Tessera's own and the plugins that the user named.</summary>
public static class Composition
{
    /// <summary>The assemblies whose components every config may name.</summary>
    public static IEnumerable<Assembly> Assemblies() =>
        [
            typeof(ComponentRegistry).Assembly,
            Assembly.Load("Tessera.Models"),
            Assembly.Load("Tessera.Datasets"),
            typeof(Composition).Assembly,
        ];

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

    /// <summary>The components and what they may ask for: loggers (<see cref="ILogger{TCategoryName}"/>), the document, the same as
    /// <see cref="IConfiguration"/>, the sections and services of plugins.</summary>
    /// <param name="note">Told which plugins are built and loaded.</param>
    public static ServiceCollection Services(ConfigDocument document, Action<string>? note = null)
    {
        var services = new ServiceCollection();
        var configuration = document.ToConfiguration();
        services.AddSingleton(document);
        services.AddSingleton(configuration);
        services.AddSingleton(Log.Following);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddOptions();
        services.AddDatasets();
        foreach (var assembly in Assemblies())
            services.AddComponents(assembly);
        foreach (var plugin in Load(document, note))
            services.AddPlugin(plugin, configuration);
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
