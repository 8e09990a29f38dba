using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Losses.Detection;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>The targets of one map, as the indices that reach them in what the head gives.</summary>
internal sealed class LevelTargets
{
    private readonly AnchorLevel _level;
    private readonly PositiveAnchor[] _positives;
    private readonly long[] _labels; // of the positives
    private readonly float[] _weights; // likewise
    private readonly float[]? _everyWeight; // [B, A, H, W]; null where all images have one weight and nothing is ignored
    private readonly float _oneWeight;

    /// <param name="assigned">For each image and anchor: the index of its box, or what <see cref="Assigner"/> says.</param>
    /// <param name="weights">What an anchor of each image counts.</param>
    public LevelTargets(AnchorLevel level, IReadOnlyList<TruthBoxes> truths, IReadOnlyList<int[]> assigned, float[] weights)
    {
        (_level, _oneWeight) = (level, weights[0]);
        _positives = Find(level, assigned);
        _labels = Array.ConvertAll(_positives, positive => (long)truths[positive.Image].Labels[positive.Box]);
        _weights = Array.ConvertAll(_positives, positive => weights[positive.Image]);
        _everyWeight = EveryWeight(level, assigned, weights);
    }

    /// <summary>In the order (image, row, column, shape).</summary>
    public IReadOnlyList<PositiveAnchor> Positives => _positives;

    /// <summary>The weighted sum of a class loss over this map.</summary>
    /// <param name="logits">[B, A · C, H, W].</param>
    /// <param name="quality">[P], what the scores of the positives' classes are to be; null: 1.</param>
    public Tensor ClassLoss(Tensor logits, ClassLoss loss, Tensor? quality = null)
    {
        using var scope = NewDisposeScope();
        var device = logits.device;
        var byClass = logits.unflatten(1, [_level.PerCell, -1]); // [B, A, C, H, W]
        var ofClass = loss.WeightOfClasses(byClass.shape[2], device); // [C]
        var absent = loss.Absent(byClass);
        if (ofClass is not null)
            absent = absent * ofClass.view(1, 1, -1, 1, 1);
        var sum = _everyWeight is null
            ? absent.sum() * _oneWeight
            : (absent.sum([2]) * tensor(_everyWeight, device: device).view(-1, _level.PerCell, _level.Height, _level.Width)).sum();
        if (_positives.Length > 0)
        {
            var (image, shape, row, column) = Places(device);
            var labels = tensor(_labels, device: device);
            var present = byClass.index(image, shape, labels, row, column); // [P]
            var weights = tensor(_weights, device: device);
            if (ofClass is not null)
                weights = weights * ofClass.index_select(0, labels);
            var wanted = quality is null ? loss.Present(present) : loss.Present(present, quality);
            sum = sum + ((wanted - loss.Absent(present)) * weights).sum();
        }
        return scope.MoveToOuter(sum);
    }

    /// <summary>What a map says at the positives.</summary>
    /// <param name="map">[B, A · n, H, W].</param>
    /// <returns>[P, n], float32.</returns>
    public Tensor Gather(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (image, shape, row, column) = Places(map.device);
        var rows = map.unflatten(1, [_level.PerCell, -1]).permute(0, 1, 3, 4, 2); // [B, A, H, W, n]
        return scope.MoveToOuter(rows.index(image, shape, row, column).to(ScalarType.Float32));
    }

    private static PositiveAnchor[] Find(AnchorLevel level, IReadOnlyList<int[]> assigned)
    {
        var found = new List<PositiveAnchor>();
        for (var image = 0; image < assigned.Count; image++)
        for (var anchor = level.Start; anchor < level.Start + level.Count; anchor++)
            if (assigned[image][anchor] is >= 0 and var box)
                found.Add(new PositiveAnchor(image, anchor, box));
        return [.. found];
    }

    private static float[]? EveryWeight(AnchorLevel level, IReadOnlyList<int[]> assigned, float[] weights)
    {
        if (
            weights.All(weight => weight == weights[0])
            && assigned.All(image => Array.IndexOf(image, Assigner.Ignored, level.Start, level.Count) < 0)
        )
            return null;
        var every = new float[assigned.Count * level.Count];
        for (var image = 0; image < weights.Length; image++)
        {
            var ofImage = every.AsSpan(image * level.Count, level.Count);
            ofImage.Fill(weights[image]);
            for (var i = 0; i < level.Count; i++)
            {
                if (assigned[image][level.Start + i] != Assigner.Ignored)
                    continue;
                var (cell, shape) = Math.DivRem(i, level.PerCell);
                ofImage[(shape * level.Height * level.Width) + cell] = 0;
            }
        }
        return every;
    }

    /// <summary>Where the positives stand in a map [B, A, H, W], [P] each.</summary>
    private (Tensor Image, Tensor Shape, Tensor Row, Tensor Column) Places(Device device)
    {
        return (
            At(positive => positive.Image),
            At(positive => (positive.Anchor - _level.Start) % _level.PerCell),
            At(positive => (positive.Anchor - _level.Start) / _level.PerCell / _level.Width),
            At(positive => (positive.Anchor - _level.Start) / _level.PerCell % _level.Width)
        );
        Tensor At(Converter<PositiveAnchor, long> index) => tensor(Array.ConvertAll(_positives, index), device: device);
    }
}
