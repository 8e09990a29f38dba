using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;

namespace Tessera.Framework.Plugins;

public static class PluginServiceCollectionExtensions
{
    /// <summary>Registers the components of a plugin and, where it has <see cref="IPluginServices"/>, its services.</summary>
    /// <param name="configuration">The config, as the services are told it.</param>
    /// <exception cref="UserErrorException">A name is given twice in a kind, the plugin was built against another version of Tessera, or
    /// its
    /// services can't be registered.</exception>
    public static IServiceCollection AddPlugin(this IServiceCollection services, LoadedPlugin plugin, IConfiguration configuration)
    {
        services.Add(registry => PluginLoader.AddTo(registry, plugin));
        foreach (var type in plugin.Assembly.GetTypes().Where(Registers))
        {
            try
            {
                ((IPluginServices)Activator.CreateInstance(type)!).Add(services, configuration);
            }
            catch (Exception exception) when (exception is not UserErrorException)
            {
                var cause =
                    exception.InnerException is { } inner && exception is System.Reflection.TargetInvocationException ? inner : exception;
                throw new UserErrorException(PluginErrors.ServicesNotAdded(plugin.Path, type, cause.Message), exception);
            }
        }
        return services;
    }

    private static bool Registers(Type type) =>
        type is { IsClass: true, IsAbstract: false } && typeof(IPluginServices).IsAssignableFrom(type);
}
