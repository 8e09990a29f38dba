using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Suppression;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <summary>One look of the second stage at regions: their features, classes, boxes and masks.</summary>
internal sealed class RoIStage(
    RoIExtractor boxExtractor,
    RoIBoxHead boxHead,
    RoIExtractor? maskExtractor,
    MaskHead? maskHead,
    Assigner assigner,
    BoxSampler sampler,
    bool addTruth
)
{
    // In place of no region: an empty batch is no input for every layer, and its mean no number.
    private static readonly RoIs s_one = new(new BoxArray([0], [0], [1], [1]), [0]);

    public SampledRoIs Sample(IReadOnlyList<BoxArray> proposals, IReadOnlyList<TruthBoxes> truths, RandomSource random) =>
        SampledRoIs.Of(proposals, truths, boxHead.Classes, assigner, sampler, addTruth, random);

    /// <summary>What the box head gives.</summary>
    public Tensor[] Outputs(Tensor[] maps, RoIs regions)
    {
        using var scope = NewDisposeScope();
        var outputs = boxHead.call(boxExtractor.Extract(maps, regions.Count == 0 ? s_one : regions));
        scope.MoveToOuter(outputs);
        return outputs;
    }

    /// <summary>The map that each region is cut out of for its class.</summary>
    public int[] LevelsOf(BoxArray regions) => boxExtractor.LevelsOf(regions);

    /// <summary>Adds the losses, times a weight.</summary>
    /// <param name="outputs">As <see cref="Outputs"/> gives them for the sampled regions.</param>
    public void AddLosses(
        LossMap losses,
        string prefix,
        double weight,
        Tensor[] maps,
        Tensor[] outputs,
        SampledRoIs sampled,
        IReadOnlyList<TruthBoxes> truths,
        Progress progress
    )
    {
        var (ofClasses, ofBoxes) = boxHead.Losses(outputs, sampled, truths, progress);
        losses.Add(prefix + "loss_cls", weight == 1 ? ofClasses : ofClasses * weight);
        losses.Add(prefix + "loss_bbox", weight == 1 ? ofBoxes : ofBoxes * weight);
        if (maskHead is null)
            return;
        using var scope = NewDisposeScope();
        var regions = sampled.Positives.Length == 0 ? s_one : sampled.Regions.At(sampled.Positives);
        var ofMasks = maskHead.Loss(maskHead.call(maskExtractor!.Extract(maps, regions)), sampled, truths);
        losses.Add(prefix + "loss_mask", scope.MoveToOuter(weight == 1 ? ofMasks : ofMasks * weight));
    }

    /// <summary>Probabilities of the classes' masks, [regions, S, S].</summary>
    public Tensor Masks(Tensor[] maps, RoIs regions, int[] labels)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(maskHead!.OfClasses(maskHead.call(maskExtractor!.Extract(maps, regions)), labels).sigmoid());
    }

    /// <summary>The boxes that scores above a threshold belong to.</summary>
    /// <param name="scores">[regions, classes + 1], probabilities, the background last.</param>
    /// <param name="codes">The box head's second output.</param>
    /// <returns>For each image.</returns>
    public (Candidates Found, bool IsFinite)[] Candidates(
        Tensor scores,
        Tensor codes,
        RoIs regions,
        IReadOnlyList<ImageArea> areas,
        float least
    )
    {
        var (probabilities, numbers) = (scores.cpu().contiguous().Values<float>(), codes.cpu().contiguous().Values<float>());
        var (width, each) = (boxHead.Classes + 1, numbers.Length / Math.Max(1, (int)codes.shape[0]));
        var picked = areas.Select(_ => new List<(int Region, int Label)>()).ToArray();
        var finite = areas.Select(_ => true).ToArray();
        for (var region = 0; region < regions.Count; region++)
        {
            var image = regions.Images[region];
            var row = probabilities.AsSpan(region * width, width);
            finite[image] &= float.IsFinite(row[0]) && IsFinite(numbers.AsSpan(region * each, each)); // one NaN makes a whole softmax NaN
            for (var label = 0; label < width - 1; label++)
                if (row[label] > least)
                    picked[image].Add((region, label));
        }
        return
        [
            .. picked.Select(
                (found, image) =>
                {
                    var boxes = areas[image].Clip(BoxArray.Of(boxHead.Decode(regions, numbers, found)));
                    var candidates = new Candidates(
                        new RoIs(boxes, new int[boxes.Count]).Corners(),
                        [.. found.Select(pair => probabilities[(pair.Region * width) + pair.Label])],
                        [.. found.Select(pair => pair.Label)]
                    )
                    {
                        Anchors = [.. found.Select(pair => pair.Region)],
                    };
                    return (candidates, finite[image]);
                }
            ),
        ];
    }

    /// <summary>Each region moved to its box, that of its likeliest class (or of its label) where every class has one.</summary>
    /// <param name="outputs">As <see cref="Outputs"/> gives them.</param>
    /// <param name="labels">[regions], the classes to take; the background's and null: the likeliest class.</param>
    /// <returns>For each image; regions that <paramref name="leftOut"/> says are left out.</returns>
    public IReadOnlyList<BoxArray> Refined(
        Tensor[] outputs,
        RoIs regions,
        IReadOnlyList<ImageArea> areas,
        long[]? labels = null,
        bool[]? leftOut = null
    )
    {
        using var still = no_grad();
        using var scope = NewDisposeScope();
        var kept = Enumerable.Range(0, regions.Count).Where(i => leftOut?[i] != true).ToArray();
        var likeliest =
            boxHead.RegClassAgnostic || kept.Length == 0 ? null : outputs[0].narrow(1, 0, boxHead.Classes).argmax(1).cpu().Values<long>();
        var numbers = outputs[1].detach().to(ScalarType.Float32).cpu().contiguous().Values<float>();
        var picked = kept.Select(i =>
            (i, likeliest is null ? 0 : (int)(labels is not null && labels[i] < boxHead.Classes ? labels[i] : likeliest[i]))
        );
        var boxes = BoxArray.Of(boxHead.Decode(regions, numbers, [.. picked]));
        var all = new RoIs(boxes, Array.ConvertAll(kept, i => regions.Images[i]));
        return
        [
            .. areas.Select(
                (area, image) => area.Clip(all.At([.. Enumerable.Range(0, all.Count).Where(i => all.Images[i] == image)]).Boxes)
            ),
        ];
    }

    private static bool IsFinite(ReadOnlySpan<float> values)
    {
        foreach (var value in values)
            if (!float.IsFinite(value))
                return false;
        return true;
    }
}
