using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tessera.Framework.Components.OptionTypes;

namespace Tessera.Framework.Components;

/// <summary>A key that a component or an options record takes.</summary>
public sealed class ConfigKey
{
    private readonly Func<string?> _doc;

    private ConfigKey(string name, OptionType type, Func<string?> doc) => (Name, Type, _doc) = (name, type, doc);

    /// <summary>As in configs: snake_case.</summary>
    public string Name { get; }

    internal OptionType Type { get; }

    public bool Required { get; private init; }

    /// <summary>The value where the key is absent.</summary>
    public object? Default { get; private init; }

    /// <summary>What a checkpoint means whose config lacks the key; null where that is the default.</summary>
    internal object? Earlier { get; private init; }

    /// <summary>False where the default is known only to the code.</summary>
    public bool HasDefault { get; private init; }

    /// <summary>Its type as shown in listings.</summary>
    public string TypeName => Type.Name;

    public IReadOnlyList<ValidationAttribute> Bounds { get; private init; } = [];

    /// <summary>The default as in a config; null where only the code knows it.</summary>
    public string? DefaultText => HasDefault ? Type.Show(Default) : null;

    /// <summary>The bounds in words: "at least 1".</summary>
    public IEnumerable<string> BoundTexts => Bounds.Select(ComponentErrors.BoundInShort);

    /// <summary>The keys of the options record that it is, or that its items are.</summary>
    public IReadOnlyList<ConfigKey> Nested
    {
        get
        {
            var type = Type;
            while (type.Item is { } item)
                type = item;
            return type is RecordType ? RecordShape.Of(type.Clr).Keys : [];
        }
    }

    /// <summary>From the XML documentation, or null.</summary>
    public string? Doc => _doc();

    /// <summary>The config's spelling of a C# name.</summary>
    public static string NameOf(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>A constructor parameter of an options record; the property of its name holds the attributes.</summary>
    internal static ConfigKey Of(ParameterInfo parameter)
    {
        var record = parameter.Member.DeclaringType!;
        var property = record.GetProperty(parameter.Name!);
        var explicitName = property?.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name;
        return new ConfigKey(
            explicitName ?? NameOf(parameter.Name!),
            OptionType.For(parameter.ParameterType),
            () => XmlDocs.OfParameter(record, parameter.Name!)
        )
        {
            Required = !parameter.HasDefaultValue,
            Default = parameter.HasDefaultValue ? DefaultOf(parameter) : null,
            HasDefault = parameter.HasDefaultValue,
            Earlier = (
                property?.GetCustomAttribute<EarlierDefaultAttribute>() ?? parameter.GetCustomAttribute<EarlierDefaultAttribute>()
            )?.Value,
            Bounds =
            [
                .. parameter.GetCustomAttributes<ValidationAttribute>(),
                .. property?.GetCustomAttributes<ValidationAttribute>() ?? [],
            ],
        };
    }

    /// <summary>A constructor parameter of a component that takes children. One that may be null need not be given, wherever it
    /// stands.</summary>
    internal static ConfigKey Of(ParameterInfo parameter, OptionType type)
    {
        var optional = parameter.HasDefaultValue || new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;
        return new ConfigKey(NameOf(parameter.Name!), type, () => XmlDocs.OfParameter(parameter.Member.DeclaringType!, parameter.Name!))
        {
            Required = !optional,
            HasDefault = optional,
            Bounds = [.. parameter.GetCustomAttributes<ValidationAttribute>()],
        };
    }

    /// <summary>A section of a plugin's at the top of a config.</summary>
    internal static ConfigKey OfSection(string name, Type record) =>
        new(name, new RecordType(record), () => XmlDocs.SummaryOf(record)) { HasDefault = true };

    /// <summary>A settable property.</summary>
    /// <param name="defaultFrom">An instance that holds the default, or null.</param>
    internal static ConfigKey Of(PropertyInfo property, object? defaultFrom)
    {
        var type = ChildType.For(property.PropertyType) ?? OptionType.For(property.PropertyType);
        var earlier = property.GetCustomAttribute<EarlierDefaultAttribute>();
        return new ConfigKey(
            property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? NameOf(property.Name),
            type,
            () => XmlDocs.OfProperty(property)
        )
        {
            Required = property.GetCustomAttribute<System.Runtime.CompilerServices.RequiredMemberAttribute>() is not null,
            Default = defaultFrom is null ? earlier?.Now : property.GetValue(defaultFrom),
            HasDefault = defaultFrom is not null || earlier?.Now is not null,
            Earlier = earlier?.Value,
            Bounds = [.. property.GetCustomAttributes<ValidationAttribute>()],
        };
    }

    // `= default` of a struct is reported as null.
    private static object? DefaultOf(ParameterInfo parameter) =>
        parameter.DefaultValue
        ?? (
            parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null
                ? Activator.CreateInstance(parameter.ParameterType)
                : null
        );
}

/// <summary>An options record: its constructor parameters, then its settable properties.</summary>
internal sealed class RecordShape
{
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<Type, RecordShape> Known = new();

    private readonly ConstructorInfo _constructor;
    private readonly List<ConfigKey> _parameters;
    private readonly List<(PropertyInfo Property, ConfigKey Key)> _properties;

    private RecordShape(Type type)
    {
        _constructor =
            type.GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)
            ?? throw new UserErrorException(ComponentErrors.NoRecordConstructor(type));
        var parameters = _constructor.GetParameters();
        _parameters = parameters.Select(ConfigKey.Of).ToList();
        var properties = type.GetProperties()
            .Where(property => property.SetMethod is { IsPublic: true } && parameters.All(parameter => parameter.Name != property.Name))
            .ToList();
        var sample =
            properties.Count > 0 && parameters.All(parameter => parameter.HasDefaultValue)
                ? _constructor.Invoke([.. _parameters.Select(key => key.Default)])
                : null;
        _properties = properties.Select(property => (property, ConfigKey.Of(property, sample))).ToList();
        Keys = [.. _parameters, .. _properties.Select(pair => pair.Key)];
    }

    public IReadOnlyList<ConfigKey> Keys { get; }

    public static RecordShape Of(Type type) => Known.GetOrAdd(type, static t => new RecordShape(t));

    public object Create(IReadOnlyDictionary<string, object?> values)
    {
        var record = _constructor.Invoke(
            BindingFlags.DoNotWrapExceptions,
            null,
            [.. _parameters.Select(key => values.TryGetValue(key.Name, out var value) ? value : key.Default)],
            null
        );
        foreach (var (property, key) in _properties)
        {
            if (values.TryGetValue(key.Name, out var value))
                property.SetValue(record, value);
        }

        return record;
    }
}
