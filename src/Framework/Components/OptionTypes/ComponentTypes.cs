using System.Text.Json.Nodes;

namespace Tessera.Framework.Components.OptionTypes;

/// <summary>A component of a kind: gives a <see cref="BoundComponent"/>.</summary>
internal sealed class ComponentType(Type clr) : OptionType
{
    private readonly ComponentKind _kind = ComponentKind.Of(clr) ?? throw new UserErrorException(ComponentErrors.NoOptionType(clr));

    public override string Name => _kind.Name;

    public override string Expected => $"{ComponentErrors.A(_kind.Name)}: an object with \"type\"";

    public override string ExpectedMany => _kind.Plural;

    public override Type Clr => typeof(BoundComponent);

    public override object? Bind(BindContext context, ConfigNode node, string path) =>
        KeyBinder.BindComponent(context, _kind, clr, node, path);

    public override JsonObject Schema(SchemaDefinitions schema) => schema.Component(_kind, clr);
}

/// <summary>A component to be built later: gives a <see cref="ComponentSpec{T}"/>.</summary>
internal sealed class SpecType(Type clr) : OptionType
{
    private readonly ComponentType _component = new(clr.GenericTypeArguments[0]);

    public override string Name => _component.Name;

    public override string Expected => _component.Expected;

    public override string ExpectedMany => _component.ExpectedMany;

    public override Type Clr { get; } = clr;

    public override object? Bind(BindContext context, ConfigNode node, string path) =>
        _component.Bind(context, node, path) is BoundComponent bound
            ? Activator.CreateInstance(
                Clr,
                System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance,
                null,
                [bound],
                null
            )
            : null;

    public override JsonObject Schema(SchemaDefinitions schema) => _component.Schema(schema);
}

/// <summary>The types of parameters that take child components: one, a list, a list of lists, a map.</summary>
internal static class ChildType
{
    public static OptionType? For(Type type)
    {
        if (ComponentKind.Of(type) is not null)
            return new ComponentType(type);
        if (ListType.ItemOf(type) is { } item && (ComponentKind.Of(item) is not null || ListType.ItemOf(item) is not null))
            return For(item) is { } items ? new ListType(items) : null;
        return
            type.IsGenericType
            && MapType.Definitions.Contains(type.GetGenericTypeDefinition())
            && type.GenericTypeArguments[0] == typeof(string)
            && ComponentKind.Of(type.GenericTypeArguments[1]) is not null
            ? new MapType(new ComponentType(type.GenericTypeArguments[1]))
            : null;
    }
}
