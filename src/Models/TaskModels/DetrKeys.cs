using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>What facebookresearch/detr calls the parameters of a <see cref="Detr"/>.</summary>
internal static class DetrKeys
{
    private const string Body = "backbone.0.body.",
        Own = "backbone.",
        Classes = "class_embed.";

    private const int CocoOutputs = 92; // ids of COCO up to 90, and no object

    private static readonly string[] _same = ["transformer.", Classes, "bbox_embed.", "query_embed.", "input_proj."];

    public static IReadOnlyDictionary<string, KeyMap> Of(Backbone backbone, int classes)
    {
        // A checkpoint of the backbone alone, in whatever names it has, has nothing for the rest.
        var maps = backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel("backbone", null));
        if (backbone.KeyMaps.TryGetValue("torchvision", out var body))
        {
            maps["detr"] = new KeyMap(key =>
                key.StartsWith(Body, StringComparison.Ordinal)
                    ? body.Rename(key[Body.Length..]) is { } inner
                        ? Own + inner
                        : null
                    : IsSame(key)
                        ? key
                        : null
            )
            {
                Publish = body.Publish is null
                    ? null
                    : key =>
                        key.StartsWith(Own, StringComparison.Ordinal)
                            ? body.Publish(key[Own.Length..]) is { } inner
                                ? Body + inner
                                : null
                            : key,
                Reshape = (key, tensor) =>
                    key.StartsWith(Own, StringComparison.Ordinal) ? body.Reshape?.Invoke(key[Own.Length..], tensor) ?? tensor
                    : key.StartsWith(Classes, StringComparison.Ordinal) ? WithoutUnused(tensor, classes)
                    : tensor,
            };
            KeyMap[] bodies = [body, .. backbone.KeyMaps.TryGetValue("transformers", out var theirs) ? new[] { theirs } : []];
            maps["transformers"] = DetrTransformersKeys.OfDetr(
                bodies,
                (key, stored) => key.StartsWith(Classes, StringComparison.Ordinal) ? WithoutUnused(stored, classes) : stored
            );
        }
        return maps;
    }

    private static bool IsSame(string key) => _same.Any(part => key.StartsWith(part, StringComparison.Ordinal));

    /// <summary>The outputs of COCO's 80 classes, in the order of their ids, and of no object.</summary>
    private static Tensor WithoutUnused(Tensor stored, int classes)
    {
        if (!DetectorKeys.IsCoco(classes, CocoOutputs - 1) || stored.dim() == 0 || stored.shape[0] != CocoOutputs)
            return stored;
        using var scope = NewDisposeScope();
        var used = Enumerable.Range(0, CocoOutputs).Select(id => (long)id).Where(DetectorKeys.IsUsed).ToArray();
        return scope.MoveToOuter(stored.index_select(0, tensor(used, device: stored.device)));
    }
}
