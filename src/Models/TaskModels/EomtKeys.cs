using Tessera.Framework.Models;
using Tessera.Models.Backbones;

namespace Tessera.Models.TaskModels;

/// <summary>What tue-mps/eomt calls the parameters of an <see cref="Eomt"/>; its backbones are timm's.</summary>
internal static class EomtKeys
{
    private const string Network = "network.",
        Body = "encoder.backbone.",
        Own = "backbone.",
        Compiled = "._orig_mod";

    private static readonly string[] _computed = ["criterion.empty_weight", "network.encoder.pixel_mean", "network.encoder.pixel_std"];
    private static readonly string[] _same = ["q.", "class_head.", "mask_head.", "upscale.", "attn_mask_probs"];

    public static IReadOnlyDictionary<string, KeyMap> Of(Backbone backbone)
    {
        // A checkpoint of the backbone alone, in whatever names it has, has nothing for the rest.
        var maps = backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel("backbone", null));
        var body = backbone.KeyMaps.GetValueOrDefault("timm") ?? new KeyMap(key => key) { Publish = key => key };
        maps["eomt"] = new KeyMap(key => Rename(key, body))
        {
            Publish = body.Publish is null
                ? null
                : key =>
                    !key.StartsWith(Own, StringComparison.Ordinal) ? Network + key
                    : body.Publish(key[Own.Length..]) is { } inner ? Network + Body + inner
                    : null,
            Reshape = body.Reshape is null
                ? null
                : (key, tensor) => key.StartsWith(Own, StringComparison.Ordinal) ? body.Reshape(key[Own.Length..], tensor) : tensor,
            Computed = key => _computed.Contains(key),
            Absent = KeyMap.Below(body.Absent, Own),
            PublishAs = KeyMap.Below(body.PublishAs, Own),
        };
        return maps;
    }

    private static string? Rename(string key, KeyMap body)
    {
        key = key.Replace(Compiled, "", StringComparison.Ordinal);
        if (!key.StartsWith(Network, StringComparison.Ordinal))
            return null;
        key = key[Network.Length..];
        if (key.StartsWith(Body, StringComparison.Ordinal))
            return body.Rename(key[Body.Length..]) is { } inner ? Own + inner : null;
        return _same.Any(part => key.StartsWith(part, StringComparison.Ordinal)) ? key : null;
    }
}
