using Tessera.Framework.Models;
using Tessera.Models.Detection.Proposals;
using Tessera.Models.Detection.RoI;
using Tessera.Models.Necks;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>What other projects call the parameters of a <see cref="TwoStageDetector"/>.</summary>
internal static class TwoStageKeys
{
    private const string Rpn = "rpn_head.",
        RoI = "roi_head.",
        Logits = RoI + "bbox_head.fc_cls.",
        Boxes = RoI + "bbox_head.fc_reg.",
        Masks = RoI + "mask_head.conv_logits.";

    private const int BoxRows = 4;

    public static IReadOnlyDictionary<string, KeyMap> Of(Backbone backbone, Neck? neck, ProposalHead rpnHead, RoIHead roiHead)
    {
        // A checkpoint of the backbone alone, in whatever names it has, has nothing for the rest.
        var maps = backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel("backbone", null));
        if (backbone.KeyMaps.TryGetValue("torchvision", out var torchvision) && neck is null or Fpn && roiHead.TorchvisionKeys is { } keys)
            maps["torchvision"] = DetectorKeys.Torchvision(
                torchvision!,
                neck as Fpn,
                [
                    .. rpnHead.TorchvisionKeys.Select(key => ("rpn.head." + key.Foreign, Rpn + key.Own, key.ReadOnly)),
                    .. keys.Select(key => ("roi_heads." + key.Foreign, RoI + key.Own, key.ReadOnly)),
                ],
                (key, tensor) => Reshaped(key, tensor, roiHead.Classes)
            ) with
            {
                // Boxes and masks of the background, which torchvision has and nothing reads, are not here to be written.
                Publish = null,
            };
        if (backbone.KeyMaps.TryGetValue("mmlab", out var mmlab))
            maps["mmlab"] = DetectorKeys.MmLab(mmlab, ["neck.", Rpn, RoI], null);
        return maps;
    }

    /// <summary>torchvision's background is the first output, ours the last; its boxes and masks of the background mean nothing.</summary>
    private static Tensor Reshaped(string key, Tensor stored, int classes)
    {
        var each = key.StartsWith(Boxes, StringComparison.Ordinal) ? BoxRows : 1;
        var isLogits = key.StartsWith(Logits, StringComparison.Ordinal);
        if (!(isLogits || each > 1 || key.StartsWith(Masks, StringComparison.Ordinal)) || stored.dim() == 0 || stored.shape[0] % each != 0)
            return stored;
        using var scope = NewDisposeScope();
        var rows = stored.unflatten(0, [-1, each]); // [outputs, each, …]
        var outputs = rows.shape[0];
        var taken = Enumerable
            .Range(1, (int)outputs - 1)
            .Select(row => (long)row)
            .Where(row => !DetectorKeys.IsCoco(classes, outputs) || DetectorKeys.IsUsed(row));
        var order = tensor((isLogits ? taken.Append(0) : taken).ToArray(), device: stored.device);
        return scope.MoveToOuter(rows.index_select(0, order).flatten(0, 1));
    }
}
