using Tessera.Framework.Components;

namespace Tessera.Models.Explanation;

/// <summary>The methods by name, those of plugins included.</summary>
public static class ActivationMethods
{
    /// <summary>As users write it: "grad_cam_plus_plus" for <c>[Component("GradCamPlusPlus")]</c>.</summary>
    public static string NameOf(ComponentDescription method) => ConfigKey.NameOf(method.Name);

    /// <summary>All names, in alphabetical order.</summary>
    public static IReadOnlyList<string> Names(ComponentRegistry registry) =>
        [.. registry.For(typeof(ActivationMethod)).Select(NameOf).Order(StringComparer.Ordinal)];

    /// <summary>A method with its defaults.</summary>
    /// <param name="name">"grad_cam", "GradCam", "grad-cam", "grad_cam++".</param>
    /// <param name="builder">Builds it from its registry's components.</param>
    /// <exception cref="UserErrorException">There is no such method; the nearest is named, and all that there are.</exception>
    public static ActivationMethod Find(string name, ComponentBuilder builder)
    {
        var wanted = Simplify(name);
        var methods = builder.Registry.For(typeof(ActivationMethod)).ToArray();
        var found = methods.FirstOrDefault(method => Simplify(method.Name) == wanted);
        return found is null
            ? throw ExplanationErrors.NoMethod(name, Names(builder.Registry))
            : builder.Build<ActivationMethod>($$"""{ "type": "{{found.Name}}" }""");
    }

    private static string Simplify(string name) =>
        string.Concat(name.Where(c => c is not ('_' or '-' or ' '))).ToLowerInvariant().Replace("++", "plusplus", StringComparison.Ordinal);
}
