using Tessera.Framework.Models;

namespace Tessera.Models.TaskModels;

/// <summary>What lyuwenyu/RT-DETR calls the parameters of a <see cref="RtDetr"/>: the backbone's are others, all else has these
/// names.</summary>
internal static class RtDetrKeys
{
    private const string Body = "backbone.";

    private static readonly string[] _same = ["encoder.", "decoder."];

    public static IReadOnlyDictionary<string, KeyMap> Of(Backbone backbone)
    {
        // A checkpoint of the backbone alone, in whatever names it has, has nothing for the rest.
        var maps = backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel("backbone", null));
        if (backbone.KeyMaps.TryGetValue("rtdetr", out var body))
            maps["rtdetr"] = new KeyMap(key =>
                key.StartsWith(Body, StringComparison.Ordinal)
                    ? body.Rename(key[Body.Length..]) is { } inner
                        ? Body + inner
                        : null
                    : _same.Any(part => key.StartsWith(part, StringComparison.Ordinal))
                        ? key
                        : null
            )
            {
                Publish = body.Publish is null
                    ? null
                    : key =>
                        key.StartsWith(Body, StringComparison.Ordinal)
                            ? body.Publish(key[Body.Length..]) is { } inner
                                ? Body + inner
                                : null
                            : key,
            };
        if (backbone.KeyMaps.TryGetValue("transformers", out var theirs))
            maps["transformers"] = DetrTransformersKeys.OfRtDetr(theirs);
        return maps;
    }
}
