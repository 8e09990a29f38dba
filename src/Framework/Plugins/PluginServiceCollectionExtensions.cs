using Microsoft.Extensions.DependencyInjection;

namespace Tessera.Framework.Plugins;

public static class PluginServiceCollectionExtensions
{
    /// <summary>Registers the components of a plugin.</summary>
    /// <exception cref="UserErrorException">A name is given twice in a kind, or the plugin was built against another version of
    /// Tessera.</exception>
    public static IServiceCollection AddComponents(this IServiceCollection services, LoadedPlugin plugin) =>
        services.Add(registry => PluginLoader.AddTo(registry, plugin));
}
