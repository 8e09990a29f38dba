using Tessera.Framework.Configuration;

namespace Tessera.Framework.Components;

/// <summary>Checks config nodes against the registered components and builds them.</summary>
public sealed class ComponentBuilder(ComponentRegistry registry, IServiceProvider services)
{
    /// <summary>The components that it knows.</summary>
    public ComponentRegistry Registry => registry;

    /// <summary>Reads the whole document into an options record; every mistake is reported at once.</summary>
    /// <exception cref="UserErrorException">The document has mistakes.</exception>
    public TOptions Bind<TOptions>(ConfigDocument document)
        where TOptions : class => OptionsBinder.BindRoot<TOptions>(registry, document);

    /// <summary>Checks the whole document; every mistake is reported at once.</summary>
    /// <exception cref="UserErrorException">The document has mistakes.</exception>
    public static void Check<TOptions>(ComponentRegistry registry, ConfigDocument document)
        where TOptions : class => OptionsBinder.BindRoot<TOptions>(registry, document);

    /// <summary>Checks the component at <paramref name="path"/> of the document.</summary>
    /// <exception cref="UserErrorException">There is none, or it has mistakes.</exception>
    public ComponentSpec<T> Describe<T>(ConfigDocument document, string path = "")
        where T : class => OptionsBinder.BindComponent<T>(registry, document, path);

    /// <summary>Builds a checked component.</summary>
    public T Build<T>(ComponentSpec<T> spec, params object[] given)
        where T : class => spec.Build(services, given);

    /// <summary>Builds a component from JSON: <c>Build&lt;Backbone&gt;("""{ "type": "ResNet", "depth": 18 }""")</c>.</summary>
    public T Build<T>(string json, params object[] given)
        where T : class => Describe<T>(ConfigDocument.Parse(json, environment: _ => null)).Build(services, given);
}
