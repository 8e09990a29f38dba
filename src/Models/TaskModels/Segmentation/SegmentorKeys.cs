using Tessera.Framework.Models;
using Tessera.Models.Heads.Segmentation;

namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>What other projects call the parameters of a whole segmentor: where they put the heads, beside the backbone's own
/// names.</summary>
internal static class SegmentorKeys
{
    private const string Backbone = "backbone.";

    /// <param name="project">"mmlab", "torchvision" …</param>
    /// <param name="backbone">The backbone's map for the project.</param>
    /// <param name="heads">Each head by its name in the model, the main one first.</param>
    /// <param name="prior">The head, after the first, whose logits the first refines; -1 where it refines none.</param>
    public static KeyMap Of(string project, KeyMap backbone, IReadOnlyList<(string Own, SegmentationHead Head)> heads, int prior)
    {
        var places = new List<(string Foreign, string Own, KeyMap Map)>();
        foreach (var (i, (own, head)) in heads.Index())
        {
            if (head.KeysOf(project) is { } map && Place(project, i, heads.Count, prior) is { } foreign)
                places.Add((foreign, own + ".", map));
        }
        Func<string, bool>[] absent =
        [
            .. places
                .Select(place => KeyMap.Below(place.Map.Absent, place.Own))
                .Append(KeyMap.Below(backbone.Absent, Backbone))
                .OfType<Func<string, bool>>(),
        ];
        Func<string, string?>[] forms =
        [
            .. places
                .Select(place => KeyMap.Below(place.Map.PublishAs, place.Own))
                .Append(KeyMap.Below(backbone.PublishAs, Backbone))
                .OfType<Func<string, string?>>(),
        ];
        return new KeyMap(key =>
        {
            foreach (var (foreign, own, map) in places)
                if (key.StartsWith(foreign, StringComparison.Ordinal) && map.Rename(key[foreign.Length..]) is { } renamed)
                    return own + renamed;
            return backbone.Rename(key.StartsWith(Backbone, StringComparison.Ordinal) ? key[Backbone.Length..] : key) is { } found
                ? Backbone + found
                : null;
        })
        {
            Publish = backbone.Publish is not { } publish
                ? null
                : key =>
                {
                    foreach (var (foreign, own, map) in places)
                        if (key.StartsWith(own, StringComparison.Ordinal))
                            return map.Publish!(key[own.Length..]) is { } renamed ? foreign + renamed : null;
                    if (!key.StartsWith(Backbone, StringComparison.Ordinal) || publish(key[Backbone.Length..]) is not { } found)
                        return null;
                    return project == "torchvision" && places.Count > 0 ? Backbone + found : found; // there, a classifier's have no prefix
                },
            Reshape = backbone.Reshape is not { } reshape
                ? null
                : (key, tensor) => key.StartsWith(Backbone, StringComparison.Ordinal) ? reshape(key[Backbone.Length..], tensor) : tensor,
            RenameSecond = backbone.RenameSecond is not { } second
                ? null
                : key =>
                    second(key.StartsWith(Backbone, StringComparison.Ordinal) ? key[Backbone.Length..] : key) is { } found
                        ? Backbone + found
                        : null,
            Computed = backbone.Computed,
            Absent = key => absent.Any(lacks => lacks(key)),
            PublishAs = key => forms.Select(form => form(key)).FirstOrDefault(form => form is not null),
        };
    }

    /// <summary>What stands before a head's names; null where the project has no such head.</summary>
    private static string? Place(string project, int head, int heads, int prior) =>
        (project, head) switch
        {
            ("torchvision", 0) => "classifier.",
            ("torchvision", 1) => "aux_classifier.",
            ("torchvision", _) => null,
            ("timm", 0) => "", // HRNet's authors'; timm has the backbone alone
            ("timm", _) => null,
            // MMSegmentation: a cascade is a list of heads; so are several auxiliary ones.
            (_, 0) => prior < 0 ? "decode_head." : "decode_head.1.",
            _ when head == prior => "decode_head.0.",
            _ => heads - (prior < 0 ? 1 : 2) == 1
                ? "auxiliary_head."
                : $"auxiliary_head.{(prior >= 0 && head > prior ? head - 2 : head - 1)}.",
        };
}
