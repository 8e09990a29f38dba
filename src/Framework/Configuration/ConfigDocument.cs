using System.Text;
using Microsoft.Extensions.Configuration;

namespace Tessera.Framework.Configuration;

/// <summary>
/// A merged config: bases, edits and overrides applied. Every value remembers where it came from. It is the one form of a config, from its
/// files to a checkpoint and back.
/// </summary>
public sealed class ConfigDocument
{
    internal const string SchemaKey = "$schema";

    internal const string PluginsKey = "plugins";

    private ConfigDocument(ConfigMap merged, ConfigMap root, IReadOnlyList<string> files, IReadOnlyList<PluginReference> plugins) =>
        (Merged, Root, Files, Plugins) = (merged, root, files, plugins);

    /// <summary>A config without any key.</summary>
    public static ConfigDocument Empty { get; } = Parse("{}", environment: _ => null);

    /// <summary>The whole document, <c>${…}</c> filled in.</summary>
    public ConfigMap Root { get; }

    /// <summary>The document merged, <c>${…}</c> as written.</summary>
    public ConfigMap Merged { get; }

    /// <summary>The files it was read from, that named on the command line first.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The file named on the command line; null for text.</summary>
    public string? Path => Files.Count > 0 ? Files[0] : null;

    /// <summary>The plugins to load before components are looked up; never those that a checkpoint's config names.</summary>
    public IReadOnlyList<PluginReference> Plugins { get; }

    /// <summary>Whether it is as it lies in work dirs and checkpoints (<see cref="ForSaving"/>), where a null is one that counts.</summary>
    private bool IsSaved { get; init; }

    /// <summary>Reads a config file, its bases and the overrides (<c>a.b=1</c>).</summary>
    /// <param name="environment">Reads a variable; the process's environment where null.</param>
    /// <exception cref="UserErrorException">Anything is wrong with the files or the overrides.</exception>
    public static ConfigDocument Load(string path, IReadOnlyList<string>? overrides = null, Func<string, string?>? environment = null)
    {
        var mistakes = new MistakeList();
        var merged = new ConfigLoader(mistakes).Load(path);
        mistakes.ThrowIfAny();
        return Finish(merged!, mistakes, overrides, environment, keepUnset: false, plugins: null);
    }

    /// <summary>Reads a config from text; it can't have bases.</summary>
    public static ConfigDocument Parse(
        string json,
        string name = "config",
        IReadOnlyList<string>? overrides = null,
        Func<string, string?>? environment = null
    )
    {
        var mistakes = new MistakeList();
        var merged = ParseText(json, name, mistakes);
        return Finish(merged, mistakes, overrides, environment, keepUnset: false, plugins: null);
    }

    /// <summary>Reads what <see cref="SaveText"/> wrote, as it stands: overrides, plugins and the check of its options are left to
    /// <see cref="FromCheckpoint"/>.</summary>
    /// <param name="name">Of the place, for messages: each value remembers its line.</param>
    /// <exception cref="UserErrorException">The text is no config.</exception>
    public static ConfigDocument ReadSaved(string json, string name, Func<string, string?>? environment = null)
    {
        var mistakes = new MistakeList();
        var merged = ParseText(json, name, mistakes);
        return Finish(merged, mistakes, overrides: null, environment, keepUnset: true, plugins: []).AsSaved();
    }

    /// <summary>Makes a checkpoint's config ready for use. Plugins it names are never loaded: the user names them again.</summary>
    /// <param name="saved">As <see cref="ReadSaved"/> gives it.</param>
    /// <param name="checkpoint">The checkpoint's path, for messages.</param>
    /// <param name="plugins">What the user named with --plugin.</param>
    /// <exception cref="UserErrorException">The config names plugins and the user none, or an override is wrong.</exception>
    public static ConfigDocument FromCheckpoint(
        ConfigDocument saved,
        string checkpoint,
        IReadOnlyList<string>? overrides = null,
        IReadOnlyList<string>? plugins = null,
        Func<string, string?>? environment = null
    )
    {
        if (plugins is not { Count: > 0 } && saved.Merged[PluginsKey] is ConfigList { Count: > 0 } named)
            throw ConfigErrors.PluginsInCheckpoint(checkpoint, named);
        var given = (plugins ?? [])
            .Select(path => new PluginReference(System.IO.Path.GetFullPath(path), new SourceLocation("--plugin", 0)))
            .ToList();
        return Finish(saved.Merged.Without(PluginsKey), new MistakeList(), overrides, environment, keepUnset: true, given);
    }

    /// <summary>The node at a dotted path, or null. A step of a list goes by number or type.</summary>
    public ConfigNode? Find(string path) => Find(Root, path);

    /// <summary>Whether the config says <c>null</c> for a key of a map, so that not even its default is wanted.</summary>
    /// <param name="map">Its path, such as "hooks".</param>
    public bool IsRemoved(string map, string key) =>
        Find(Merged, map) is ConfigMap found && found[key] is null && found.Removed.ContainsKey(key);

    /// <summary>
    /// The document for work dirs and checkpoints: merged, but <c>${…}</c> left as written, so that values from the environment aren't
    /// stored; without <c>$schema</c>, and without the nulls that removed inherited keys.
    /// </summary>
    /// <param name="directory">Where it will lie: paths of plugins are written relative to it; the current directory where null.</param>
    /// <param name="keptNulls">Paths whose null is kept: their default would come back otherwise.</param>
    public ConfigDocument ForSaving(string? directory = null, IReadOnlyCollection<string>? keptNulls = null)
    {
        if (IsSaved)
            return this;
        var saved = SavedForm.Of(Merged, Plugins, directory ?? Directory.GetCurrentDirectory(), keptNulls ?? []);
        return new ConfigDocument(saved, Root.Without(SchemaKey), Files, Plugins) { IsSaved = true };
    }

    /// <summary>The document as JSON for work dirs and checkpoints, see <see cref="ForSaving"/>.</summary>
    public string SaveText() => ConfigWriter.Write(ForSaving().Merged, nulls: true) + "\n";

    /// <summary>The document without some keys of its top, except those that what stays refers to.</summary>
    public ConfigDocument Without(IEnumerable<string> keys)
    {
        var dropped = keys.ToHashSet();
        var staying = new Queue<string>(Merged.Keys.Where(key => !dropped.Contains(key)));
        while (staying.TryDequeue(out var key))
        {
            foreach (var target in ReferenceText.Targets(Merged[key]!))
            {
                if (dropped.Remove(target[0]) && Merged[target[0]] is not null)
                    staying.Enqueue(target[0]);
            }
        }
        return new ConfigDocument(Rest(Merged), Rest(Root), Files, Plugins) { IsSaved = IsSaved };

        ConfigMap Rest(ConfigMap map) => dropped.Aggregate(map, (rest, key) => rest.Without(key));
    }

    /// <summary>The document without a key of one of its maps; itself where there is none.</summary>
    /// <param name="map">A key of the top, such as "model".</param>
    public ConfigDocument Without(string map, string key)
    {
        return new ConfigDocument(Rest(Merged), Rest(Root), Files, Plugins) { IsSaved = IsSaved };

        ConfigMap Rest(ConfigMap whole)
        {
            if (whole[map] is not ConfigMap inner)
                return whole;
            var copy = whole.CopyFrom(whole.Source);
            copy.Set(map, inner.Without(key));
            return copy;
        }
    }

    /// <summary>The document as JSON, <c>${…}</c> filled in.</summary>
    public string ResolvedText() => ConfigWriter.Write(Root) + "\n";

    /// <summary>Which file and line set <paramref name="path"/>, and what that replaced.</summary>
    /// <exception cref="UserErrorException">There is no such key.</exception>
    public string Explain(string path) => ConfigExplanation.Explain(this, path);

    /// <summary>The document, <c>${…}</c> filled in, for services and plugins. Keys that differ only by case count as one there: the
    /// first.</summary>
    public IConfiguration ToConfiguration() => FlatConfiguration.Of(Root);

    /// <summary>The document with further values, where it has none yet. A value below a reference is set where the reference
    /// leads.</summary>
    public ConfigDocument With(IEnumerable<(string Path, ConfigValue Value)> values) =>
        With(values.Select(value => (value.Path, (ConfigNode)value.Value)), replaces: false);

    /// <summary>The document with other values in place of those that it has.</summary>
    public ConfigDocument Replacing(IEnumerable<(string Path, ConfigNode Value)> values) => With(values, replaces: true);

    private ConfigDocument With(IEnumerable<(string Path, ConfigNode Value)> values, bool replaces)
    {
        var (merged, root) = (Merged, Root);
        foreach (var (path, value) in values)
        {
            if (ConfigPath.Split(path) is not { } keys)
                continue;
            merged = ConfigAdditions.Add(merged, keys, value, replaces);
            root = ConfigAdditions.Add(root, keys, value, replaces);
        }
        return new ConfigDocument(merged, root, Files, Plugins) { IsSaved = IsSaved };
    }

    /// <summary>The document with values laid over it, as by a file that has it as its base; references are resolved anew.</summary>
    /// <exception cref="UserErrorException">An edit can't be made, or a reference leads nowhere any more.</exception>
    public ConfigDocument Edited(IReadOnlyList<ConfigEdit> edits)
    {
        var mistakes = new MistakeList();
        foreach (var file in Files)
            mistakes.AddFile(file);
        return Finish(Merged, mistakes, [], environment: null, keepUnset: false, plugins: Plugins, edits);
    }

    /// <summary>A document of files that are merged already.</summary>
    internal static ConfigDocument OfMerged(ConfigMap merged, MistakeList mistakes, IReadOnlyList<string>? overrides) =>
        Finish(merged, mistakes, overrides, environment: null, keepUnset: false, plugins: null);

    internal static ConfigNode? Find(ConfigMap root, string path)
    {
        if (path.Length == 0)
            return root;
        return ConfigPath.Split(path) is { } keys ? keys.Aggregate((ConfigNode?)root, ConfigReferences.Child) : null;
    }

    private static ConfigMap ParseText(string json, string name, MistakeList mistakes)
    {
        var merged = ConfigParser.Parse(name, Encoding.UTF8.GetBytes(json), mistakes);
        if (merged?["_base_"] is { } bases)
            mistakes.Add(new Mistake(bases.Source, "_base_", ConfigErrors.BaseInText()));
        mistakes.ThrowIfAny();
        return new ConfigMerger(mistakes, ancestors: null).Merge(below: null, merged!);
    }

    private static ConfigDocument Finish(
        ConfigMap merged,
        MistakeList mistakes,
        IReadOnlyList<string>? overrides,
        Func<string, string?>? environment,
        bool keepUnset,
        IReadOnlyList<PluginReference>? plugins,
        IReadOnlyList<ConfigEdit>? edits = null
    )
    {
        var applied = new ConfigOverrides(mistakes);
        merged = applied.Apply(applied.Apply(merged, overrides ?? []), edits ?? []);
        mistakes.ThrowIfAny();
        var references = new ConfigReferences(mistakes, environment ?? Environment.GetEnvironmentVariable, keepUnset);
        var root = references.Resolve(merged, useVariable: !SetsDataRoot(merged, applied));
        plugins ??= NamedPlugins.Of(root, mistakes);
        mistakes.ThrowIfAny();
        return new ConfigDocument(merged, root, mistakes.Files, plugins);
    }

    /// <summary>A command line, now or before, has more to say than the environment.</summary>
    private static bool SetsDataRoot(ConfigMap merged, ConfigOverrides applied) =>
        applied.TopKeys.Contains(ConfigReferences.DataRootKey)
        || merged[ConfigReferences.DataRootKey]?.Source == SourceLocation.CommandLine;

    private ConfigDocument AsSaved() => new(Merged, Root, Files, Plugins) { IsSaved = true };
}
