using Tessera.Framework.Models;
using Tessera.Models.Explanation;

namespace Tessera.Models.PseudoLabels;

/// <summary>A source, and its name as listings have it.</summary>
public sealed record NamedSource(string Name, ClassMapSource Source);

/// <summary>Sources of class maps by their names: a model's own kinds, the components of the kind, and every activation method.</summary>
public static class ClassMapSources
{
    private const string Usual = "grad_cam";

    /// <summary>The names that there are for a model, the usual one first.</summary>
    public static IReadOnlyList<string> Names(VisionModel model, ComponentBuilder components)
    {
        var own = (model as IGivesClassMaps)?.MapKinds ?? [];
        var methods = ActivationMethods
            .Names(components.Registry)
            .Where(name => ActivationMethods.Find(name, components).ReadsScore)
            .OrderBy(name => name != Usual);
        return [.. own.Concat(methods).Concat(components.Registry.For(typeof(ClassMapSource)).Select(NameOf)).Distinct()];
    }

    /// <summary>The source of a name, with the options that it has by default.</summary>
    /// <param name="name">"grad_cam", "patch_similarity", a kind of the model's own; the first of <see cref="Names"/> where unset.</param>
    /// <param name="classes">Names of the model's classes.</param>
    /// <exception cref="UserErrorException">There is none, or it does not tell classes apart.</exception>
    public static NamedSource Find(string? name, VisionModel model, IReadOnlyList<string> classes, ComponentBuilder components)
    {
        var wanted = name ?? (model is IGivesClassMaps { MapKinds: [var first, ..] } ? first : Usual);
        if (model is IGivesClassMaps own && own.MapKinds.Contains(wanted))
            return new NamedSource(wanted, new ModelMapSource(wanted));
        var source = components.Registry.For(typeof(ClassMapSource)).FirstOrDefault(component => Means(wanted, NameOf(component)));
        if (source is not null)
            return new NamedSource(NameOf(source), components.Build<ClassMapSource>($$"""{ "type": "{{source.Name}}" }"""));
        var known = ActivationMethods.Names(components.Registry).FirstOrDefault(method => Means(wanted, method));
        if (known is null)
            throw PseudoLabelErrors.UnknownSource(wanted, Names(model, components));
        var found = ActivationMethods.Find(known, components);
        return found.ReadsScore
            ? new NamedSource(known, new ActivationSource(found, classes))
            : throw PseudoLabelErrors.NotOfAClass(known, found.Title);
    }

    private static string NameOf(ComponentDescription component) => ConfigKey.NameOf(component.Name);

    // "GradCam", "grad-cam" and "grad_cam++" mean what is written grad_cam, grad_cam_plus_plus.
    private static bool Means(string given, string name) => Simplify(given) == Simplify(name);

    private static string Simplify(string name) =>
        string.Concat(name.Where(c => c is not ('_' or '-' or ' '))).ToLowerInvariant().Replace("++", "plusplus", StringComparison.Ordinal);
}
