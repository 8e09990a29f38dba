using System.Globalization;

namespace Tessera.Framework.Configuration;

/// <summary>
/// Changes an inherited list by the types of its steps:
/// <c>{ "_edit_": [ { "after": "RandomCrop", "insert": {…} }, { "replace": "RandomFlip#2", "with": {…} }, { "change": "RandomCrop", "with":
/// { "size": 96 } }, { "remove": "Normalize" } ] }</c>.
/// </summary>
internal sealed class ListEdits(MistakeList mistakes, ConfigMerger merger)
{
    public const string Key = "_edit_";

    // The verb, and the key of what it takes.
    private static readonly Dictionary<string, string?> Verbs = new()
    {
        ["after"] = "insert",
        ["before"] = "insert",
        ["replace"] = "with",
        ["change"] = "with",
        ["remove"] = null,
    };

    public ConfigList Apply(ConfigList list, ConfigNode edits, SourceLocation source, string path)
    {
        var items = list.ToList();
        var editPath = ConfigPath.Join(path, Key);
        var index = 0;
        foreach (var edit in edits is ConfigList several ? several : (IEnumerable<ConfigNode>)[edits])
            ApplyOne(items, edit, edits is ConfigList ? ConfigPath.Join(editPath, $"{index++}") : editPath, path);
        return (ConfigList)new ConfigList(source, items).Replacing(list);
    }

    private void ApplyOne(List<ConfigNode> items, ConfigNode edit, string editPath, string path)
    {
        var map = edit as ConfigMap;
        var verb = map?.Keys.FirstOrDefault(Verbs.ContainsKey);
        if (
            verb is null
            || map!.Keys.Except([verb, Verbs[verb] ?? verb]).Any()
            || (Verbs[verb] is { } needed && map[needed] is null or ConfigValue)
            || map[verb] is not ConfigValue { Kind: ConfigValueKind.String } name
        )
        {
            mistakes.Add(new Mistake(edit.Source, editPath, ConfigErrors.NoEdit(edit)));
            return;
        }

        if (Find(items, name, ConfigPath.Join(editPath, verb)) is not { } at)
            return;
        var argument = Verbs[verb] is { } key ? map[key] : null;
        switch (verb)
        {
            case "after" or "before":
                var inserted = argument is ConfigList many ? many : (IEnumerable<ConfigNode>)[argument!];
                items.InsertRange(verb == "after" ? at + 1 : at, inserted.Select(item => merger.Merge(null, item, path)));
                break;
            case "replace":
                items[at] = merger.Merge(null, argument!, path).Replacing(items[at]);
                break;
            case "change":
                items[at] = merger.Merge(items[at], argument!, $"{path}.{at}");
                break;
            default:
                items.RemoveAt(at);
                break;
        }
    }

    private int? Find(List<ConfigNode> items, ConfigValue name, string path)
    {
        var types = items.Select(TypeOf).ToList();
        var parts = name.Text.Split('#');
        var found = Enumerable.Range(0, items.Count).Where(i => types[i] == parts[0]).ToList();
        if (parts.Length == 1 && found.Count == 1)
            return found[0];
        if (
            parts.Length == 2
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= 1
            && number <= found.Count
        )
            return found[number - 1];
        mistakes.Add(
            new Mistake(name.Source, path, ConfigErrors.NoSuchStep(name.Text, parts[0], found.Count, types.OfType<string>().ToList()))
        );
        return null;
    }

    public static string? TypeOf(ConfigNode item) =>
        item switch
        {
            ConfigMap map when map["type"] is ConfigValue { Kind: ConfigValueKind.String } type => type.Text,
            ConfigValue { Kind: ConfigValueKind.String } text => text.Text,
            _ => null,
        };
}
