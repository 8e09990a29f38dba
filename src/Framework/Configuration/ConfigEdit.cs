namespace Tessera.Framework.Configuration;

/// <summary>A change to a config that is made by a program: a value laid over what stands at a path, as a file would lay it over its
/// base. Objects merge, <c>"_delete_": true</c> drops what was there, <c>null</c> removes.</summary>
/// <param name="Path">Dotted; a step of a list goes by number or type.</param>
/// <param name="Value">What is laid over; its source is the place that messages name.</param>
public sealed record ConfigEdit(string Path, ConfigNode Value)
{
    /// <summary>An edit from JSON.</summary>
    /// <param name="source">The place that messages name.</param>
    /// <exception cref="ArgumentException">The text is no JSON value.</exception>
    public static ConfigEdit Of(string path, string json, SourceLocation source) =>
        new(path, ConfigParser.ParseValue(json, source) ?? throw new ArgumentException($"No JSON value: {json}", nameof(json)));

    /// <summary>Whether it changes which component stands somewhere.</summary>
    internal bool IsType => Path == "type" || Path.EndsWith(".type", StringComparison.Ordinal);
}
