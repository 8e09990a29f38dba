using System.Text.Json.Nodes;

namespace Tessera.Framework.Components.OptionTypes;

/// <summary>A nested options record.</summary>
internal sealed class RecordType(Type clr) : OptionType
{
    public override string Name => "object";

    public override string Expected => "an object with " + string.Join(", ", RecordShape.Of(Clr).Keys.Select(key => key.Name));

    public override string ExpectedMany => "objects with " + string.Join(", ", RecordShape.Of(Clr).Keys.Select(key => key.Name));

    public override Type Clr { get; } = clr;

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        if (node is ConfigMap map)
            return KeyBinder.BindRecord(context, RecordShape.Of(Clr), map, path, owner: path, extraKeys: []);
        context.Add(node, path, ConfigErrors.WrongType(Expected, node) + Form(node));
        return null;
    }

    /// <summary>How a single word is written where the record needs one word alone.</summary>
    private string Form(ConfigNode node) =>
        node is ConfigValue { Kind: ConfigValueKind.String } word
        && !word.Text.StartsWith("dict(", StringComparison.Ordinal)
        && RecordShape.Of(Clr).Keys.Where(key => key.Required).ToList() is [{ Type.Clr: var needed, Name: var name }]
        && needed == typeof(string)
            ? $" Here it is {{ \"{name}\": … }}."
            : "";

    public override string Show(object? value) => value is null ? "null" : "{ … }";

    public override JsonObject Schema(SchemaDefinitions schema) => schema.Record(Clr);
}
