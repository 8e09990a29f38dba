using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;

namespace Tessera.Tests.Framework;

/// <summary>Components of the framework, built from JSON as a config would.</summary>
internal static class TestComponents
{
    private static readonly ServiceProvider s_services = new ServiceCollection()
        .AddComponents(typeof(ComponentBuilder).Assembly)
        .BuildServiceProvider();

    public static T Build<T>(string json)
        where T : class => s_services.GetRequiredService<ComponentBuilder>().Build<T>(json);
}
