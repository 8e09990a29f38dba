using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Tessera.Framework.Configuration;

namespace Tessera.Framework.Components;

/// <summary>A small type that reads itself from a config value: a number or a pair, a name or a map.</summary>
public interface IConfigParsable<TSelf>
    where TSelf : IConfigParsable<TSelf>
{
    /// <summary>What is expected, as shown to the user: <c>an integer or [height, width]</c>.</summary>
    static abstract string Expected { get; }

    /// <summary>The JSON Schema of what is accepted.</summary>
    static abstract JsonObject Schema { get; }

    /// <summary>Reads the value; false where it isn't what is expected.</summary>
    static abstract bool TryParse(ConfigNode node, [MaybeNullWhen(false)] out TSelf value);
}
