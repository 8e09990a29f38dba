using Tessera.Framework.Components.OptionTypes;

namespace Tessera.Framework.Components;

/// <summary>Checks the keys of an object against those known, reads their values and collects every mistake.</summary>
internal static class KeyBinder
{
    private const string TypeKey = "type";

    /// <param name="owner">Who takes the keys, in messages.</param>
    /// <param name="extraKeys">Keys that someone else reads.</param>
    /// <param name="keys">What may stand there, where that is more than the record has.</param>
    public static object? BindRecord(
        BindContext context,
        RecordShape record,
        ConfigMap map,
        string path,
        string owner,
        IReadOnlyCollection<string> extraKeys,
        IReadOnlyList<ConfigKey>? keys = null
    )
    {
        var before = context.Mistakes.Mistakes.Count;
        var values = BindKeys(context, keys ?? record.Keys, map, path, owner, extraKeys);
        return context.Mistakes.Mistakes.Count > before ? null : Create(context, record, values, map, path);
    }

    public static BoundComponent? BindComponent(BindContext context, ComponentKind kind, Type expected, ConfigNode node, string path)
    {
        if (node is not ConfigMap map)
        {
            context.Add(node, path, ConfigErrors.WrongType($"{ComponentErrors.A(kind.Name)}: an object with \"type\"", node));
            return null;
        }

        var known = context.Registry.For(expected).Where(component => component.Kind.Type == kind.Type).ToList();
        if (!map.TryGet(TypeKey, out var type))
        {
            context.Add(
                map,
                path,
                ComponentErrors.NoType(kind, known.Select(component => component.Name), map.Removed.ContainsKey(TypeKey))
            );
            return null;
        }

        var typePath = ConfigPath.Join(path, TypeKey);
        if (type is not ConfigValue { Kind: ConfigValueKind.String } name)
        {
            context.Add(type, typePath, ConfigErrors.WrongType($"the name of {ComponentErrors.A(kind.Name)}", type));
            return null;
        }

        var component = context.Registry.Find(kind, name.Text);
        if (component is null || !expected.IsAssignableFrom(component.Type))
        {
            context.Add(
                type,
                typePath,
                ComponentErrors.UnknownComponent(
                    kind,
                    name.Text,
                    [.. known.Select(other => other.Name)],
                    component,
                    [.. context.Registry.All.Where(other => other.Name == name.Text)]
                )
            );
            return null;
        }

        return Bind(context, component, map, path);
    }

    private static BoundComponent? Bind(BindContext context, ComponentDescription component, ConfigMap map, string path)
    {
        var before = context.Mistakes.Mistakes.Count;
        var shape = component.Shape;
        var values = BindKeys(context, shape.Keys, map, path, component.Name, [TypeKey]);
        var options =
            shape.Options is { } record && context.Mistakes.Mistakes.Count == before ? Create(context, record, values, map, path) : null;
        return context.Mistakes.Mistakes.Count > before ? null : new BoundComponent(component, map.Source, path, options, values);
    }

    private static Dictionary<string, object?> BindKeys(
        BindContext context,
        IReadOnlyList<ConfigKey> keys,
        ConfigMap map,
        string path,
        string owner,
        IReadOnlyCollection<string> extraKeys
    )
    {
        var values = new Dictionary<string, object?>();
        foreach (var (name, node) in map)
        {
            if (extraKeys.Contains(name))
                continue;
            var keyPath = ConfigPath.Join(path, name);
            if (keys.FirstOrDefault(key => key.Name == name) is not { } key)
                context.Add(
                    node,
                    keyPath,
                    ComponentErrors.UnknownOption(owner, name, [.. keys.Select(key => key.Name)], Leftover(map, node))
                );
            else if (node is ConfigValue { Kind: ConfigValueKind.Null } && !key.Required)
                continue;
            else if (key.Type.Bind(context, node, keyPath) is { } value)
                CheckBounds(context, key, values[name] = value, node, keyPath);
        }

        foreach (var key in keys.Where(key => key.Required && map[key.Name] is null))
            context.Add(map, path, ComponentErrors.MissingOption(owner, key));
        context.Changed?.AddRange(
            keys.Where(key => key.Earlier is not null)
                .Select(key => new ChangedOption(
                    path,
                    key,
                    map.Source,
                    map[key.Name] is ConfigValue { Kind: not ConfigValueKind.Null } value ? value : null
                ))
        );
        return values;
    }

    // An option of the type that stood here before "type" was changed.
    private static ConfigNode? Leftover(ConfigMap map, ConfigNode option) =>
        map[TypeKey] is { Replaced: ConfigValue { Kind: ConfigValueKind.String } } type && type.Source.Name != option.Source.Name
            ? type
            : null;

    private static void CheckBounds(BindContext context, ConfigKey key, object? value, ConfigNode node, string path)
    {
        foreach (var bound in key.Bounds)
        {
            if (bound is (RangeAttribute or AllowedValuesAttribute) && value is Array items && node is ConfigList list)
            {
                for (var i = 0; i < items.Length; i++)
                {
                    if (!IsValid(bound, items.GetValue(i)))
                        context.Add(list[i], ConfigPath.Join(path, $"{i}"), ComponentErrors.OutOfBounds(key.Name, bound, list[i]));
                }
            }
            else if (!IsValid(bound, value))
            {
                context.Add(node, path, ComponentErrors.OutOfBounds(key.Name, bound, node));
            }
        }
    }

    // [AllowedValues(1, 2)] on a long or a double holds ints.
    private static bool IsValid(ValidationAttribute bound, object? value) =>
        bound.IsValid(value)
        || (
            bound is AllowedValuesAttribute allowed
            && value is (long or float or double)
            && allowed.Values.Any(other => other is int or long or float or double && Number(other) == Number(value))
        );

    private static double Number(object value) => Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture);

    private static object? Create(
        BindContext context,
        RecordShape record,
        IReadOnlyDictionary<string, object?> values,
        ConfigMap map,
        string path
    )
    {
        var options = record.Create(values);
        if (options is not IValidatableObject checkedOptions)
            return options;
        var valid = true;
        foreach (var result in checkedOptions.Validate(new ValidationContext(options)).Where(result => result != ValidationResult.Success))
        {
            var member = result.MemberNames.Select(ConfigKey.NameOf).FirstOrDefault();
            var node = (member is null ? null : map[member]) ?? map;
            context.Add(node, member is null ? path : ConfigPath.Join(path, member), result.ErrorMessage ?? "The value is not valid.");
            valid = false;
        }

        return valid ? options : null;
    }
}
