using Tessera.Framework.Models;

namespace Tessera.Models.Backbones.Csp;

/// <summary>Where a part of a network is, in Megvii's YOLOX and here.</summary>
/// <param name="Foreign">Prefix of its names there, with the dot.</param>
/// <param name="Own">Prefix of its names here, with the dot.</param>
/// <param name="IsLayer">It is a <see cref="CspLayer"/>, whose convolutions and blocks are called otherwise there.</param>
internal readonly record struct MegviiPart(string Foreign, string Own, bool IsLayer = false);

/// <summary>What Megvii's YOLOX calls the parameters of a backbone, or of a whole detector.</summary>
internal static class MegviiKeys
{
    /// <summary>Before the backbone's names: the neck there has the backbone in it, and is itself called the backbone.</summary>
    private const string Backbone = "backbone.backbone.";

    private const int Stages = 4;

    private static readonly (string Foreign, string Own)[] _ofLayer =
    [
        ("conv1.", "main_conv."),
        ("conv2.", "short_conv."),
        ("conv3.", "final_conv."),
        ("m.", "blocks."),
    ];

    private static readonly (string Foreign, string Own)[] _anywhere = [(".dconv.", ".depthwise_conv."), (".pconv.", ".pointwise_conv.")];

    /// <summary>Of a <see cref="CspDarknet"/> of four stages.</summary>
    public static KeyMap OfBackbone { get; } = Map([.. BackboneParts("")]);

    /// <summary>Of a detector of a <see cref="CspDarknet"/>.</summary>
    /// <param name="neck">Its neck's and head's parts.</param>
    public static KeyMap OfDetector(IEnumerable<MegviiPart> neck) => Map([.. BackboneParts("backbone."), .. neck]);

    /// <param name="own">What the backbone's names begin with here.</param>
    private static IEnumerable<MegviiPart> BackboneParts(string own)
    {
        for (var stage = 1; stage <= Stages; stage++)
        {
            // The last stage has its pooling second, whose two convolutions have the same names in both.
            var layer = stage == Stages ? 2 : 1;
            yield return new($"{Backbone}dark{stage + 1}.{layer}.", $"{own}stage{stage}.{layer}.", IsLayer: true);
            yield return new($"{Backbone}dark{stage + 1}.", $"{own}stage{stage}.");
        }
        yield return new($"{Backbone}stem.", $"{own}stem.");
    }

    private static KeyMap Map(MegviiPart[] parts) =>
        new(key => Turned(key, parts, part => (part.Foreign, part.Own), name => (name.Foreign, name.Own)))
        {
            Publish = key => Turned(key, parts, part => (part.Own, part.Foreign), name => (name.Own, name.Foreign)),
        };

    /// <summary>The name on the other side; null for what is no part.</summary>
    private static string? Turned(
        string key,
        MegviiPart[] parts,
        Func<MegviiPart, (string From, string To)> ofPart,
        Func<(string Foreign, string Own), (string From, string To)> ofName
    )
    {
        foreach (var part in parts)
        {
            var (from, to) = ofPart(part);
            if (!key.StartsWith(from, StringComparison.Ordinal))
                continue;
            var rest = key[from.Length..];
            if (part.IsLayer)
            {
                var name = _ofLayer.Select(ofName).FirstOrDefault(name => rest.StartsWith(name.From, StringComparison.Ordinal));
                rest = name.To + rest[(name.From?.Length ?? 0)..];
            }
            var whole = to + rest;
            foreach (var (old, now) in _anywhere.Select(ofName))
                whole = whole.Replace(old, now, StringComparison.Ordinal);
            return whole;
        }
        return null;
    }
}
