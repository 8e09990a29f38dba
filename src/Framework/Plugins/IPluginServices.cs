using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Tessera.Framework.Plugins;

/// <summary>
/// Registers a plugin's services, which its components then ask for in their constructors. Every class of a plugin that implements this is
/// made (by its constructor without parameters) and called once for each program.
/// </summary>
/// <remarks>A service that reads options of its own declares them with <see cref="ConfigSectionAttribute"/>.</remarks>
public interface IPluginServices
{
    /// <param name="services">The services of the run: to add to.</param>
    /// <param name="configuration">The config, <c>${…}</c> filled in.</param>
    void Add(IServiceCollection services, IConfiguration configuration);
}
