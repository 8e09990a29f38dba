using Tessera.Framework.Models;
using Tessera.Models.Explanation;

namespace Tessera.Models.PseudoLabels;

/// <summary>Sources of class maps by their names: a model's own kinds, the components of the kind, and every activation method.</summary>
public static class ClassMapSources
{
    /// <summary>The names that there are for a model, the usual one first.</summary>
    public static IReadOnlyList<string> Names(VisionModel model, ComponentBuilder components)
    {
        var own = (model as IGivesClassMaps)?.MapKinds ?? [];
        var methods = components
            .Registry.For(typeof(ActivationMethod))
            .Where(component => components.Build<ActivationMethod>(Described(component)).ReadsScore)
            .Select(NameOf)
            .OrderBy(name => name != "grad_cam");
        return [.. own.Concat(methods).Concat(components.Registry.For(typeof(ClassMapSource)).Select(NameOf)).Distinct()];
    }

    /// <summary>The source of a name, with the options that it has by default.</summary>
    /// <param name="name">"grad_cam", "patch_similarity", a kind of the model's own.</param>
    /// <param name="classes">Names of the model's classes.</param>
    /// <exception cref="UserErrorException">There is none, or it does not tell classes apart.</exception>
    public static ClassMapSource Named(string name, VisionModel model, IReadOnlyList<string> classes, ComponentBuilder components)
    {
        if (model is IGivesClassMaps own && own.MapKinds.Contains(name))
            return new ModelMapSource(name);
        if (Find(components.Registry, typeof(ClassMapSource), name) is { } source)
            return components.Build<ClassMapSource>(Described(source));
        if (Find(components.Registry, typeof(ActivationMethod), name) is not { } found)
            throw PseudoLabelErrors.UnknownSource(name, Names(model, components));
        var method = components.Build<ActivationMethod>(Described(found));
        return method.ReadsScore ? new ActivationSource(method, classes) : throw PseudoLabelErrors.NotOfAClass(name, method.Title);
    }

    private static ComponentDescription? Find(ComponentRegistry registry, Type kind, string name) =>
        registry.For(kind).FirstOrDefault(component => NameOf(component) == name || component.Name == name);

    private static string NameOf(ComponentDescription component) => ConfigKey.NameOf(component.Name);

    private static string Described(ComponentDescription component) =>
        new System.Text.Json.Nodes.JsonObject { ["type"] = component.Name }.ToJsonString();
}
