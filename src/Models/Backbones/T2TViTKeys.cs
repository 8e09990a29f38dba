using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of a <see cref="T2TViT"/>.</summary>
internal static class T2TViTKeys
{
    public static IReadOnlyDictionary<string, KeyMap> Maps { get; } =
        new Dictionary<string, KeyMap>
        {
            ["timm"] = new KeyTable("head").ToKeyMap(), // the authors', who build on it
            ["mmlab"] = new KeyTable("head.layers.head", "backbone.")
                .Pair("tokens_to_token.attention*.ln1.", "tokens_to_token.attention*.norm1.")
                .Pair("tokens_to_token.attention*.ln2.", "tokens_to_token.attention*.norm2.")
                .Pair("tokens_to_token.attention*.ffn.layers.0.0.", "tokens_to_token.attention*.mlp.fc1.")
                .Pair("tokens_to_token.attention*.ffn.layers.1.", "tokens_to_token.attention*.mlp.fc2.")
                .Pair("encoder.*.ln1.", "blocks.*.norm1.")
                .Pair("encoder.*.attn.", "blocks.*.attn.")
                .Pair("encoder.*.ln2.", "blocks.*.norm2.")
                .Pair("encoder.*.ffn.layers.0.0.", "blocks.*.mlp.fc1.")
                .Pair("encoder.*.ffn.layers.1.", "blocks.*.mlp.fc2.")
                .ToKeyMap(),
        };
}
