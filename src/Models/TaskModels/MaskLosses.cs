using Tessera.Models.Detection.Transformers;
using Tessera.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Pairs the queries of an image with its masks, at the least cost in all, and tells how far they are from them.</summary>
/// <remarks>Cheng et al., "Mask2Former", CVPR 2022, arXiv:2112.01527, section 3.2.2; pairs as in DETR. Everything is float32.</remarks>
internal sealed class MaskLosses
{
    private const double Farthest = 1e10; // of costs

    private readonly MaskLossOptions _options;
    private readonly MaskPoints _points;
    private readonly int _classes;

    /// <param name="uniform">Draws numbers in [0, 1) of a shape, on the CPU; by default as the run's seed says.</param>
    public MaskLosses(MaskLossOptions options, int classes, Func<long[], Tensor>? uniform = null)
    {
        (_options, _classes) = (options, classes);
        _points = new MaskPoints(
            options.NumPoints,
            options.OversampleRatio,
            options.ImportanceSampleRatio,
            uniform ?? (shape => rand(shape))
        );
    }

    /// <param name="masks">Logits [B, Q, h, w].</param>
    /// <param name="classes">Logits [B, Q, classes + 1], the last of no object.</param>
    /// <returns>Three scalars, weights applied, of the mean over the batch's masks; without masks, those of masks are 0.</returns>
    public (Tensor Class, Tensor Mask, Tensor Dice) Of(Tensor masks, Tensor classes, MaskTruths truths)
    {
        using var scope = NewDisposeScope();
        using var precise = Autocast.Leave(masks.device_type);
        (masks, classes) = (masks.to(ScalarType.Float32), classes.to(ScalarType.Float32));
        var pairs = Match(masks, classes, truths);
        var (mask, dice) = MaskTerms(masks, truths, pairs);
        var terms = (ClassTerm(classes, truths, pairs) * _options.ClassWeight, mask * _options.MaskWeight, dice * _options.DiceWeight);
        scope.MoveToOuter(terms.Item1, terms.Item2, terms.Item3);
        return terms;
    }

    /// <summary>For each image pairs of a query and a mask, by rising query.</summary>
    private (int Query, int Mask)[][] Match(Tensor masks, Tensor classes, MaskTruths truths)
    {
        using var still = no_grad();
        var pairs = new (int, int)[truths.Labels.Length][];
        for (var i = 0; i < pairs.Length; i++)
        {
            using var scope = NewDisposeScope();
            var points = _points.Anywhere(masks.device); // drawn for an image without masks, too
            pairs[i] = truths.Labels[i].Length == 0 ? [] : Solve(Costs(masks[i], classes[i], truths.Masks[i], truths.Labels[i], points));
        }
        return pairs;
    }

    /// <returns>[N, Q].</returns>
    private Tensor Costs(Tensor masks, Tensor classes, Tensor wanted, int[] labels, Tensor points)
    {
        var ofClass = -classes.softmax(-1).index_select(1, tensor(labels, device: classes.device)).t(); // [N, Q]
        var found = At(masks); // [Q, P]
        var truth = At(wanted); // [N, P]
        var (outside, inside) = (CrossEntropy(found, 0), CrossEntropy(found, 1));
        var ofMask = (truth.matmul(inside.t()) + (1 - truth).matmul(outside.t())) / _options.NumPoints;
        var shares = found.sigmoid();
        var sums = truth.sum(1, keepdim: true) + shares.sum(1).unsqueeze(0);
        var ofDice = 1 - (((2 * truth.matmul(shares.t())) + 1) / (sums + 1));
        return (_options.ClassWeight * ofClass) + (_options.MaskWeight * ofMask) + (_options.DiceWeight * ofDice);

        Tensor At(Tensor maps) => MaskPoints.At(maps.unsqueeze(0), points).view(maps.shape[0], -1);
    }

    private static (int Query, int Mask)[] Solve(Tensor costs)
    {
        var finite = costs.nan_to_num(0).clamp(-Farthest, Farthest).cpu().contiguous().Values<float>();
        var (masks, queries) = ((int)costs.shape[0], (int)costs.shape[1]);
        var queryOf = LinearAssignment.Solve(Array.ConvertAll(finite, cost => (double)cost), masks, queries);
        return [.. queryOf.Select((query, mask) => (query, mask)).OrderBy(pair => pair.query)];
    }

    private (Tensor Mask, Tensor Dice) MaskTerms(Tensor masks, MaskTruths truths, (int Query, int Mask)[][] pairs)
    {
        if (truths.Count == 0)
            return (masks.sum() * 0, masks.sum() * 0); // with a gradient
        var queries = masks.shape[1];
        long[] rows = [.. pairs.SelectMany((of, image) => of.Select(pair => (image * queries) + pair.Query))];
        var found = masks.flatten(0, 1).index_select(0, tensor(rows, device: masks.device)).unsqueeze(1); // [N, 1, h, w]
        var points = _points.WhereUnsure(found.detach());
        var logits = MaskPoints.At(found, points); // [N, P]
        var asked = truths.Masks.Zip(
            pairs,
            (of, pair) => of.index_select(0, tensor(pair.Select(one => (long)one.Mask).ToArray(), device: of.device))
        );
        var wanted = MaskPoints.At(cat([.. asked], 0).unsqueeze(1), points);
        var entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction: Reduction.None).mean([1]);
        var shares = logits.sigmoid();
        var dice = 1 - (((2 * (shares * wanted).sum(1)) + 1) / (shares.sum(1) + wanted.sum(1) + 1));
        return (entropy.sum() / truths.Count, dice.sum() / truths.Count);
    }

    private Tensor ClassTerm(Tensor classes, MaskTruths truths, (int Query, int Mask)[][] pairs)
    {
        var queries = (int)classes.shape[1];
        var wanted = new long[classes.shape[0] * queries];
        Array.Fill(wanted, _classes);
        for (var image = 0; image < pairs.Length; image++)
            foreach (var (query, mask) in pairs[image])
                wanted[(image * queries) + query] = truths.Labels[image][mask];
        var weights = new float[_classes + 1];
        Array.Fill(weights, 1);
        weights[_classes] = (float)_options.NoObjectWeight;
        var device = classes.device;
        return functional.cross_entropy(classes.flatten(0, 1), tensor(wanted, device: device), tensor(weights, device: device));
    }

    /// <summary>Of each logit, where all are to be the target.</summary>
    private static Tensor CrossEntropy(Tensor logits, int target) =>
        functional.binary_cross_entropy_with_logits(logits, full_like(logits, target), reduction: Reduction.None);
}
