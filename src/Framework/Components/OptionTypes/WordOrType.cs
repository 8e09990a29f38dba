using System.Text.Json.Nodes;

namespace Tessera.Framework.Components.OptionTypes;

/// <summary>A word, or the object that it is short for: gives a <see cref="WordOr{TWord, TValue}"/>.</summary>
internal sealed class WordOrType(Type clr) : OptionType
{
    private readonly OptionType _word = For(clr.GenericTypeArguments[0]);
    private readonly OptionType _value = For(clr.GenericTypeArguments[1]);

    public override string Name => $"{_word.Name} or {_value.Name}";

    public override string Expected => $"{_word.Expected}, or {_value.Expected}";

    public override string ExpectedMany => $"{_word.ExpectedMany}, or {_value.ExpectedMany}";

    public override Type Clr { get; } = clr;

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        if (node is ConfigMap or ConfigValue { Kind: ConfigValueKind.String })
            return (node is ConfigMap ? _value : _word).Bind(context, node, path) is { } read ? Activator.CreateInstance(Clr, read) : null;
        context.Add(node, path, ConfigErrors.WrongType(Expected, node));
        return null;
    }

    public override string Show(object? value) => value is null ? "null" : ConfigWriter.Quote(value.ToString()!);

    public override JsonObject Schema(SchemaDefinitions schema) =>
        new() { ["anyOf"] = new JsonArray(_word.Schema(schema), _value.Schema(schema)) };
}
