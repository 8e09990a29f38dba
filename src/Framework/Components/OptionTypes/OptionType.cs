using System.Text.Json.Nodes;

namespace Tessera.Framework.Components.OptionTypes;

/// <summary>What a binding needs: the components, and where mistakes go.</summary>
internal sealed record BindContext(ComponentRegistry Registry, MistakeList Mistakes)
{
    /// <summary>Where to note the options with an <see cref="EarlierDefaultAttribute"/>; null: nowhere.</summary>
    public List<ChangedOption>? Changed { get; init; }

    public void Add(ConfigNode node, string path, string text) => Mistakes.Add(new Mistake(node.Source, path, text));
}

/// <summary>A type that config values are read as.</summary>
internal abstract class OptionType
{
    /// <summary>In listings: <c>int</c>, <c>avg|max</c>, <c>list of int</c>.</summary>
    public abstract string Name { get; }

    /// <summary>In messages: <c>an integer</c>.</summary>
    public abstract string Expected { get; }

    /// <summary>In messages about lists and maps of it: <c>integers</c>.</summary>
    public abstract string ExpectedMany { get; }

    /// <summary>The .NET type that <see cref="Bind"/> gives.</summary>
    public abstract Type Clr { get; }

    /// <summary>The type of a list's or map's values.</summary>
    public virtual OptionType? Item => null;

    /// <summary>Reads the value; where it doesn't fit, adds the mistake and gives null.</summary>
    public abstract object? Bind(BindContext context, ConfigNode node, string path);

    public abstract JsonObject Schema(SchemaDefinitions schema);

    /// <summary>The default as in a config.</summary>
    public virtual string Show(object? value) =>
        value switch
        {
            null => "null",
            bool flag => flag ? "true" : "false",
            string text => ConfigWriter.Quote(text),
            Enum name => ConfigKey.NameOf(name.ToString()),
            System.Collections.IDictionary { Count: 0 } => "{}",
            System.Collections.IEnumerable items => "[" + string.Join(", ", items.Cast<object?>().Select(Show)) + "]",
            IFormattable number => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };

    public static OptionType For(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return For(underlying);
        if (ScalarType.For(type) is { } scalar)
            return scalar;
        if (type.IsEnum)
            return new EnumType(type);
        if (typeof(JsonNode).IsAssignableFrom(type) || typeof(ConfigNode).IsAssignableFrom(type))
            return new NodeType(type);
        if (type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IConfigParsable<>)))
            return (OptionType)Activator.CreateInstance(typeof(ParsableType<>).MakeGenericType(type))!;
        if (type.IsGenericType && type.GetGenericTypeDefinition() is var definition)
        {
            if (definition == typeof(ComponentSpec<>))
                return new SpecType(type);
            if (definition == typeof(OneOrMany<>))
                return new OneOrManyType(type, For(type.GenericTypeArguments[0]));
            if (definition == typeof(OneOrNamed<>))
                return new OneOrNamedType(type, For(type.GenericTypeArguments[0]));
            if (definition == typeof(WordOr<,>))
                return new WordOrType(type);
            if (MapType.Definitions.Contains(definition) && type.GenericTypeArguments[0] == typeof(string))
                return new MapType(For(type.GenericTypeArguments[1]));
        }

        if (ListType.ItemOf(type) is { } item)
            return new ListType(For(item));
        if (ComponentKind.Of(type) is not null)
            throw new UserErrorException(ComponentErrors.ComponentAsOption(type));
        return type.IsClass && !type.IsAbstract && type.Namespace?.StartsWith("System", StringComparison.Ordinal) != true
            ? new RecordType(type)
            : throw new UserErrorException(ComponentErrors.NoOptionType(type));
    }
}
