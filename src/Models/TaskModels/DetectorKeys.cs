using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Backbones.Csp;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Necks;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>What other projects call the parameters of a <see cref="Detector"/>.</summary>
internal static class DetectorKeys
{
    /// <summary>Of torchvision's 91 outputs for COCO, those that stand for a class; the first is the background.</summary>
    private static readonly int[] _unusedCocoIds = [0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

    private const int TorchvisionCoco = 91;

    private const string Head = "bbox_head.";

    public static IReadOnlyDictionary<string, KeyMap> Of(Backbone backbone, Neck? neck, BoxHead head)
    {
        // A checkpoint of the backbone alone, in whatever names it has, has nothing for neck and head.
        var maps = backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel("backbone", null));
        if (backbone.KeyMaps.TryGetValue("torchvision", out var torchvision) && neck is null or Fpn)
            maps["torchvision"] = Torchvision(
                torchvision!,
                neck as Fpn,
                head.TorchvisionKeys.Select(key => ("head." + key.Foreign, "bbox_head." + key.Own, key.ReadOnly)),
                (key, tensor) =>
                    key.StartsWith($"bbox_head.{head.ClassifierKey}.", StringComparison.Ordinal)
                        ? WithoutUnused(tensor, head.Classes)
                        : tensor
            );
        if (backbone.KeyMaps.TryGetValue("mmlab", out var mmlab))
            maps["mmlab"] = MmLab(mmlab, ["neck.", Head], KeyMap.Below(head.MmlabLacks, Head), KeyMap.Below(head.MmlabComputed, Head)) with
            {
                Repeats = head.MmlabRepeats is { } repeats
                    ? key =>
                        key.StartsWith(Head, StringComparison.Ordinal) && repeats(key[Head.Length..]) is { } first ? Head + first : null
                    : null,
            };
        if (backbone.KeyMaps.ContainsKey("yolox") && neck is YoloxPafpn { OutStrides.Count: 3 } && head is YoloxHead)
            maps["yolox"] = MegviiKeys.OfDetector(YoloxPafpn.MegviiParts.Concat(YoloxHead.MegviiParts));
        return maps;
    }

    /// <summary>Whether a row of torchvision's 91 outputs stands for a class of COCO.</summary>
    public static bool IsUsed(long row) => Array.IndexOf(_unusedCocoIds, (int)row) < 0;

    /// <summary>Whether a file has torchvision's 91 outputs for COCO, and the model COCO's classes.</summary>
    public static bool IsCoco(int classes, long outputs) =>
        classes == TorchvisionCoco - _unusedCocoIds.Length && outputs == TorchvisionCoco;

    /// <param name="backbone">The backbone's own map.</param>
    /// <param name="heads">Pairs of prefixes, torchvision's and the model's own.</param>
    /// <param name="reshape">Makes tensors of the heads fit; by the model's key.</param>
    public static KeyMap Torchvision(
        KeyMap backbone,
        Fpn? neck,
        IEnumerable<(string Foreign, string Own, bool ReadOnly)> heads,
        Func<string, Tensor, Tensor> reshape
    )
    {
        const string body = "backbone.body.",
            own = "backbone.";
        var table = new KeyTable("\0");
        foreach (
            var (foreign, ours, onlyRead) in (neck?.TorchvisionKeys ?? [])
                .Select(key => ("backbone.fpn." + key.Foreign, "neck." + key.Own, key.ReadOnly))
                .Concat(heads)
        )
        {
            if (onlyRead)
                table.Older(foreign, ours);
            else
                table.Pair(foreign, ours);
        }
        var rest = table.ToKeyMap();
        return new KeyMap(key =>
            key.StartsWith(body, StringComparison.Ordinal)
                ? backbone.Rename(key[body.Length..]) is { } inner
                    ? own + inner
                    : null
                : rest.Rename(key) is { } renamed && renamed != key
                    ? renamed
                    : null
        )
        {
            Publish = backbone.Publish is null
                ? null
                : key =>
                    key.StartsWith(own, StringComparison.Ordinal)
                        ? backbone.Publish(key[own.Length..]) is { } inner
                            ? body + inner
                            : null
                        : rest.Publish!(key) is { } renamed && renamed != key
                            ? renamed
                            : null,
            Reshape = (key, tensor) =>
                key.StartsWith(own, StringComparison.Ordinal)
                    ? backbone.Reshape?.Invoke(key[own.Length..], tensor) ?? tensor
                    : reshape(key, tensor),
        };
    }

    /// <param name="backbone">The backbone's own map.</param>
    /// <param name="parts">Prefixes of what has the same names there.</param>
    /// <param name="lacks">Whether MMDetection's model usually has no such tensor; null: it has all.</param>
    /// <param name="computed">Whether a tensor of MMDetection's model is computed here; null: none is but the backbone's.</param>
    public static KeyMap MmLab(KeyMap backbone, string[] parts, Func<string, bool>? lacks, Func<string, bool>? computed = null) =>
        new(key =>
            key.StartsWith("backbone.", StringComparison.Ordinal)
                ? backbone.Rename(key) is { } inner
                    ? "backbone." + inner
                    : null
                : parts.Any(part => key.StartsWith(part, StringComparison.Ordinal))
                    ? key
                    : null
        )
        {
            Publish = backbone.Publish is null
                ? null
                : key => key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Publish(key["backbone.".Length..]) : key,
            Reshape = backbone.Reshape is null
                ? null
                : (key, tensor) =>
                    key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Reshape(key["backbone.".Length..], tensor) : tensor,
            RenameSecond = backbone.RenameSecond is not { } second
                ? null
                : key => key.StartsWith("backbone.", StringComparison.Ordinal) && second(key) is { } found ? "backbone." + found : null,
            Computed = computed is null ? backbone.Computed : key => backbone.Computed?.Invoke(key) == true || computed(key),
            Absent = key => KeyMap.Below(backbone.Absent, "backbone.")?.Invoke(key) == true || lacks?.Invoke(key) == true,
            PublishAs = KeyMap.Below(backbone.PublishAs, "backbone."),
        };

    /// <summary>The outputs of COCO's 80 classes, in the order of their ids, of 91.</summary>
    private static Tensor WithoutUnused(Tensor stored, int classes)
    {
        if (classes != TorchvisionCoco - _unusedCocoIds.Length || stored.shape[0] % TorchvisionCoco != 0)
            return stored;
        using var scope = NewDisposeScope();
        var used = tensor(
            Enumerable.Range(0, TorchvisionCoco).Except(_unusedCocoIds).Select(id => (long)id).ToArray(),
            device: stored.device
        );
        return scope.MoveToOuter(stored.unflatten(0, [-1, TorchvisionCoco]).index_select(1, used).flatten(0, 1));
    }
}
