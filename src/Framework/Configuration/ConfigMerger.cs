namespace Tessera.Framework.Configuration;

/// <summary>
/// Lays one document over another: objects merge, everything else replaces, <c>null</c> removes, <c>"_delete_": true</c>
/// drops what was inherited, <c>"_edit_"</c> changes an inherited list.
/// </summary>
/// <param name="ancestors">
/// The file laid over and all its bases: it may replace what these set. What another file set is a sibling's; to set it to
/// something else is a conflict. Null: anything may be replaced.
/// </param>
internal sealed class ConfigMerger(MistakeList mistakes, IReadOnlySet<string>? ancestors)
{
    public const string DeleteKey = "_delete_";

    /// <summary>Merges whole documents.</summary>
    public ConfigMap Merge(ConfigMap? below, ConfigMap above) => (ConfigMap)Merge(below, above, "");

    private ConfigMap MergeMaps(ConfigMap below, ConfigMap above, string path)
    {
        var merged = below.CopyFrom(above.Source);
        merged.Replaced = below;
        if (above["type"] is ConfigValue { Kind: ConfigValueKind.String } type)
            merged.ChangeType(type);
        foreach (var (key, value) in above)
        {
            if (key == DeleteKey)
                continue;
            var keyPath = ConfigPath.Join(path, key);
            var inherited = below[key];
            if (value is ConfigValue { Kind: ConfigValueKind.Null })
            {
                CheckSibling(inherited, value, keyPath);
                merged.Remove(key, value.Replacing(inherited));
                continue;
            }

            merged.Set(key, Merge(inherited ?? below.Removed.GetValueOrDefault(key), value, keyPath));
            merged.Own(key);
        }

        return merged;
    }

    /// <param name="below">What stands there, a null where it was removed, null where there is nothing.</param>
    public ConfigNode Merge(ConfigNode? below, ConfigNode above, string path)
    {
        if (above is ConfigMap map)
        {
            if (map.TryGet(ListEdits.Key, out var edits))
                return Edit(below, map, edits, path);
            if (below is ConfigMap inherited && !Deletes(map, path))
                return MergeMaps(inherited, map, path);
            if (below is not null)
                CheckSibling(below, map, path);
            var fresh = MergeMaps(new ConfigMap(map.Source), map, path);
            fresh.Replaced = below;
            return fresh;
        }

        CheckSibling(below, above, path);
        var plain = above is ConfigList list
            ? new ConfigList(list.Source, list.Select((item, i) => PlainItem(item, $"{path}.{i}")))
            : above;
        return plain.Replacing(below);
    }

    // Nothing is inherited inside a new list: maps in it only lose their nulls.
    private ConfigNode PlainItem(ConfigNode item, string path) => item is ConfigValue ? item : Merge(null, item, path);

    private ConfigNode Edit(ConfigNode? below, ConfigMap map, ConfigNode edits, string path)
    {
        if (map.Count > 1)
            mistakes.Add(new Mistake(map.Source, path, ConfigErrors.EditIsNotAlone(map.Keys.Where(key => key != ListEdits.Key))));
        if (below is not ConfigList list)
        {
            mistakes.Add(new Mistake(map.Source, path, ConfigErrors.NothingToEdit(below)));
            return below ?? map;
        }

        if (ancestors is not null && !ancestors.Contains(list.Source.Name))
            mistakes.Add(new Mistake(map.Source, path, ConfigErrors.SiblingEdit(list.Source)));
        return new ListEdits(mistakes, this).Apply(list, edits, map.Source, path);
    }

    private bool Deletes(ConfigMap map, string path)
    {
        if (!map.TryGet(DeleteKey, out var flag))
            return false;
        if (flag is ConfigValue { Kind: ConfigValueKind.Boolean } value)
            return value.Text == "true";
        mistakes.Add(new Mistake(flag.Source, ConfigPath.Join(path, DeleteKey), ConfigErrors.WrongType("true or false", flag)));
        return false;
    }

    private void CheckSibling(ConfigNode? below, ConfigNode above, string path)
    {
        if (ancestors is null || below is null || ConfigNode.DeepEquals(below, above))
            return;
        if (FindForeign(below, path) is var (leaf, leafPath))
            mistakes.Add(new Mistake(above.Source, leafPath, ConfigErrors.SiblingConflict(leafPath, above, leaf)));
    }

    private (ConfigNode Leaf, string Path)? FindForeign(ConfigNode node, string path)
    {
        if (node is not ConfigMap map)
            return ancestors!.Contains(node.Source.Name) ? null : (node, path);
        foreach (var (key, value) in map)
        {
            if (FindForeign(value, ConfigPath.Join(path, key)) is { } found)
                return found;
        }

        return null;
    }
}
