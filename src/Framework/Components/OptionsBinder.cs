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
        var bound = BindRoot(new BindContext(registry, mistakes), typeof(T), document);
        mistakes.ThrowIfAny();
        return (T)bound!;
    }

    /// <summary>The document's options with an <see cref="EarlierDefaultAttribute"/>; its mistakes are passed over.</summary>
    public static IReadOnlyList<ChangedOption> Changed<T>(ComponentRegistry registry, ConfigDocument document)
        where T : class
    {
        var changed = new List<ChangedOption>();
        BindRoot(new BindContext(registry, new MistakeList()) { Changed = changed }, typeof(T), document);
        return [.. changed.DistinctBy(option => (option.Parent, option.Key.Name))];
    }

    /// <summary>The keys of a document's root: those of the options record, then the sections of plugins.</summary>
    /// <exception cref="UserErrorException">A section has the name of one of the record's keys.</exception>
    public static IReadOnlyList<ConfigKey> RootKeys(ComponentRegistry registry, Type root)
    {
        var keys = RecordShape.Of(root).Keys;
        foreach (var (key, record) in registry.Sections)
        {
            if (ReservedKeys.Contains(key) || keys.Any(other => other.Name == key))
                throw new UserErrorException(ComponentErrors.SectionIsKey(key, record));
        }
        return [.. keys, .. registry.Sections.Select(section => ConfigKey.OfSection(section.Key, section.Value))];
    }

    /// <summary>A section of a plugin's; where the config has none, its defaults.</summary>
    public static object BindSection(ComponentRegistry registry, ConfigDocument document, Type record)
    {
        var key = registry.Sections.First(section => section.Value == record).Key;
        var type = new RecordType(record);
        if (document.Root[key] is not { } node)
            return RecordShape.Of(record).Keys.Any(option => option.Required)
                ? throw new UserErrorException(ComponentErrors.NoSection(key, record, type.Expected))
                : RecordShape.Of(record).Create(new Dictionary<string, object?>());
        var mistakes = MistakesOf(document);
        var bound = type.Bind(new BindContext(registry, mistakes), node, ConfigPath.Join("", key));
        mistakes.ThrowIfAny();
        return bound!;
    }

    private static object? BindRoot(BindContext context, Type root, ConfigDocument document) =>
        KeyBinder.BindRecord(
            context,
            RecordShape.Of(root),
            document.Root,
            "",
            owner: "The config",
            ReservedKeys,
            RootKeys(context.Registry, root)
        );

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
