using Tessera.Framework.Components.OptionTypes;

namespace Tessera.Framework.Components;

/// <summary>Binds whole documents and single components, and throws every mistake at once.</summary>
internal static class OptionsBinder
{
    /// <summary>Keys of the document's root that belong to no options record: the editor's, the loader's, and the user's own names for
    /// references.</summary>
    public static readonly string[] ReservedKeys = ["$schema", "plugins", "vars"];

    public static T BindRoot<T>(ComponentRegistry registry, ConfigDocument document)
        where T : class
    {
        var mistakes = MistakesOf(document);
        var bound = KeyBinder.BindRecord(
            new BindContext(registry, mistakes),
            RecordShape.Of(typeof(T)),
            document.Root,
            "",
            owner: "The config",
            ReservedKeys
        );
        mistakes.ThrowIfAny();
        return (T)bound!;
    }

    /// <summary>The document's options with an <see cref="EarlierDefaultAttribute"/>; its mistakes are passed over.</summary>
    public static IReadOnlyList<ChangedOption> Changed<T>(ComponentRegistry registry, ConfigDocument document)
        where T : class
    {
        var changed = new List<ChangedOption>();
        KeyBinder.BindRecord(
            new BindContext(registry, new MistakeList()) { Changed = changed },
            RecordShape.Of(typeof(T)),
            document.Root,
            "",
            owner: "The config",
            ReservedKeys
        );
        return [.. changed.DistinctBy(option => (option.Parent, option.Key.Name))];
    }

    public static ComponentSpec<T> BindComponent<T>(ComponentRegistry registry, ConfigDocument document, string path)
        where T : class
    {
        var mistakes = MistakesOf(document);
        var type = new OptionTypes.SpecType(typeof(ComponentSpec<T>));
        object? spec = null;
        if (document.Find(path) is { } node)
            spec = type.Bind(new BindContext(registry, mistakes), node, path);
        else
            mistakes.Add(new Mistake(document.Root.Source, path, $"The config has no \"{path}\"; expected {type.Expected}."));
        mistakes.ThrowIfAny();
        return (ComponentSpec<T>)spec!;
    }

    private static MistakeList MistakesOf(ConfigDocument document)
    {
        var mistakes = new MistakeList();
        foreach (var file in document.Files)
            mistakes.AddFile(file);
        return mistakes;
    }
}
