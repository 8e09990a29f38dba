using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Configuration;

namespace Tessera.Framework.Components;

public sealed class ComponentRegistry
{
    public void Add(Assembly assembly) => throw new NotSupportedException();
}

internal sealed record BoundComponent(string Path, object? Options, ComponentDescription Component);

internal sealed record ComponentDescription(string Name);

internal static class ComponentConstruction
{
    public static object Build(BoundComponent bound, IServiceProvider services, object[] given) => throw new NotSupportedException();
}

internal static class OptionsBinder
{
    public static T BindRoot<T>(ComponentRegistry registry, ConfigDocument document) => throw new NotSupportedException();

    public static ComponentSpec<T> BindComponent<T>(ComponentRegistry registry, ConfigDocument document, string path)
        where T : class => throw new NotSupportedException();
}

public static class ComponentServiceCollectionExtensions
{
    /// <summary>Registers every <c>[Component]</c> of an assembly.</summary>
    public static IServiceCollection AddComponents(this IServiceCollection services, Assembly assembly) => throw new NotSupportedException();
}
