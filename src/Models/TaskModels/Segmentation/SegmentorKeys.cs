using Tessera.Framework.Models;
using Tessera.Models.Heads.Segmentation;

namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>What other projects call the parameters of a whole segmentor: where they put the heads, beside the backbone's own
/// names.</summary>
internal static class SegmentorKeys
{
    private const string Backbone = "backbone.";
    private const string Neck = "neck.";

    /// <param name="project">"mmlab", "torchvision" …</param>
    /// <param name="backbone">The backbone's map for the project.</param>
    /// <param name="hasNeck">Whether the model has a neck, which MMLab calls as we do.</param>
    /// <param name="heads">Each head by its name in the model, the main one first.</param>
    /// <param name="prior">The head, after the first, whose logits the first refines; -1 where it refines none.</param>
    public static KeyMap Of(
        string project,
        KeyMap backbone,
        bool hasNeck,
        IReadOnlyList<(string Own, SegmentationHead Head)> heads,
        int prior
    )
    {
        var places = Places(project, heads, prior);
        if (hasNeck && project == "mmlab")
            places.Add(new Placed(Neck, Neck, new KeyMap(key => key) { Publish = key => key }));
        var bare = new Placed(Backbone, Backbone, backbone);
        Placed[] parts = [.. places, bare];
        // There, a classifier's backbone has no prefix, and a segmentor's has one.
        var prefixed = project is "torchvision" or "nvlabs" && places.Count > 0;
        return new KeyMap(key =>
            places.Select(place => place.Rename(key)).FirstOrDefault(own => own is not null)
            ?? (places.Any(place => place.Foreign.Length > 0 && place.Holds(key)) ? null : bare.Below(key, backbone.Rename))
        )
        {
            Publish = backbone.Publish is not { } publish
                ? null
                : key =>
                    places.FirstOrDefault(place => key.StartsWith(place.Own, StringComparison.Ordinal)) is { } place ? place.Publish(key)
                    : key.StartsWith(Backbone, StringComparison.Ordinal) && publish(key[Backbone.Length..]) is { } found
                        ? prefixed ? Backbone + found
                            : found
                    : null,
            Reshape = parts.All(part => part.Map.Reshape is null)
                ? null
                : (key, tensor) =>
                    parts.FirstOrDefault(part => key.StartsWith(part.Own, StringComparison.Ordinal)) is { Map.Reshape: { } reshape } part
                        ? reshape(key[part.Own.Length..], tensor)
                        : tensor,
            RenameSecond = backbone.RenameSecond is not { } second ? null : key => bare.Below(key, second),
            Joined = KeyMap.Below(backbone.Joined, Backbone),
            Computed = key =>
                places.Any(place => place.Holds(key) && place.Map.Computed?.Invoke(key[place.Foreign.Length..]) == true)
                || backbone.Computed?.Invoke(key) == true,
            Absent = key => parts.Any(part => KeyMap.Below(part.Map.Absent, part.Own)?.Invoke(key) == true),
            PublishAs = key =>
                parts.Select(part => KeyMap.Below(part.Map.PublishAs, part.Own)?.Invoke(key)).FirstOrDefault(form => form is not null),
        };
    }

    private static List<Placed> Places(string project, IReadOnlyList<(string Own, SegmentationHead Head)> heads, int prior)
    {
        var places = new List<Placed>();
        foreach (var (i, (own, head)) in heads.Index())
            if (head.KeysOf(project) is { } map && Place(project, i, heads.Count, prior) is { } foreign)
                places.Add(new Placed(foreign, own + ".", map));
        return places;
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

    /// <summary>A part of the model: what stands before its names in the project's form, and before ours.</summary>
    private sealed record Placed(string Foreign, string Own, KeyMap Map)
    {
        public bool Holds(string key) => key.StartsWith(Foreign, StringComparison.Ordinal);

        /// <summary>Our name of a foreign key of this part; null for others.</summary>
        public string? Rename(string key) => Holds(key) && Map.Rename(key[Foreign.Length..]) is { } own ? Own + own : null;

        /// <summary>The foreign key for one of ours, which lies in this part.</summary>
        public string? Publish(string key) => Map.Publish!(key[Own.Length..]) is { } foreign ? Foreign + foreign : null;

        /// <summary>Our name of a foreign key with or without the prefix.</summary>
        public string? Below(string key, Func<string, string?> rename) =>
            rename(Holds(key) ? key[Foreign.Length..] : key) is { } own ? Own + own : null;
    }
}
