using Tessera.Models.Detection.Anchors;
using Tessera.Models.Losses.Detection;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>Over what a loss is averaged.</summary>
public enum LossNorm
{
    /// <summary>The positives of the whole batch.</summary>
    Batch,

    /// <summary>The positives of each image, then the images, as torchvision has it for RetinaNet.</summary>
    Image,

    /// <summary>The positives of the whole batch, an image without any counting as one, as MMDetection has it.</summary>
    AtLeastOne,
}

/// <summary>An anchor that is to find a box.</summary>
/// <param name="Image">Position in the batch.</param>
/// <param name="Anchor">Index among all anchors.</param>
/// <param name="Box">Index among the image's boxes.</param>
internal readonly record struct PositiveAnchor(int Image, int Anchor, int Box);

/// <summary>Who of a batch's anchors is to find what.</summary>
internal sealed class DenseTargets
{
    private readonly AnchorGrid _grid;
    private readonly IReadOnlyList<TruthBoxes> _truths;
    private readonly float[] _imageWeights;
    private readonly PositiveAnchor[] _positives; // map after map

    /// <param name="assigned">For each image and anchor: the index of its box, or what <see cref="Assigners.Assigner"/> says.</param>
    public DenseTargets(AnchorGrid grid, IReadOnlyList<TruthBoxes> truths, IReadOnlyList<int[]> assigned, LossNorm norm)
        : this(grid, truths, assigned, Weights([.. assigned.Select(image => image.Count(box => box >= 0))], norm)) { }

    /// <param name="weights">What an anchor of each image counts.</param>
    public DenseTargets(AnchorGrid grid, IReadOnlyList<TruthBoxes> truths, IReadOnlyList<int[]> assigned, float[] weights)
    {
        (_grid, _truths, _imageWeights) = (grid, truths, weights);
        Levels = [.. grid.Levels.Select(level => new LevelTargets(level, truths, assigned, _imageWeights))];
        _positives = [.. Levels.SelectMany(level => level.Positives)];
    }

    /// <summary>One for each map.</summary>
    public IReadOnlyList<LevelTargets> Levels { get; }

    /// <summary>[P, 4], the positive anchors, map after map.</summary>
    public Tensor Anchors(Device device) => BoxRows.Of(_positives, positive => (_grid.Boxes, positive.Anchor), device);

    /// <summary>[P, 4], the boxes they are to find.</summary>
    public Tensor Boxes(Device device) => BoxRows.Of(_positives, positive => (_truths[positive.Image].Boxes, positive.Box), device);

    /// <summary>[P], what each counts: one over the number of positives.</summary>
    public Tensor Weights(Device device) => tensor(Array.ConvertAll(_positives, positive => _imageWeights[positive.Image]), device: device);

    /// <summary>[P], a number of each positive.</summary>
    /// <param name="values">For each image and anchor.</param>
    public Tensor OfPositives(IReadOnlyList<float[]> values, Device device) =>
        tensor(Array.ConvertAll(_positives, positive => values[positive.Image][positive.Anchor]), device: device);

    /// <summary>[P, 1], a number of each positive's map.</summary>
    /// <param name="ofMaps">One for each map.</param>
    public Tensor OfMaps(IReadOnlyList<int> ofMaps, Device device)
    {
        var rows = Levels.Zip(ofMaps).SelectMany(pair => Enumerable.Repeat((float)pair.Second, pair.First.Positives.Count));
        return tensor(rows.ToArray(), device: device).view(-1, 1);
    }

    /// <summary>What maps say at the positives, map after map; [0, n] in the graph where there are none.</summary>
    /// <param name="maps">[B, A · n, H, W] each.</param>
    /// <returns>[P, n], float32.</returns>
    public Tensor Gather(IReadOnlyList<Tensor> maps) => cat([.. Levels.Select((level, i) => level.Gather(maps[i]))], 0);

    /// <summary>The weighted sum of a class loss over all maps, the loss's own weight applied.</summary>
    /// <param name="logits">[B, A · C, H, W] each.</param>
    /// <param name="quality">[P], what the scores of the positives' classes are to be; null: 1.</param>
    public Tensor ClassLoss(IReadOnlyList<Tensor> logits, ClassLoss loss, Tensor? quality = null)
    {
        using var scope = NewDisposeScope();
        var (sum, start) = (default(Tensor), 0L);
        for (var i = 0; i < Levels.Count; i++)
        {
            var count = Levels[i].Positives.Count;
            var one = Levels[i].ClassLoss(logits[i], loss, quality?.narrow(0, start, count));
            (sum, start) = (sum is null ? one : sum + one, start + count);
        }
        return scope.MoveToOuter(sum! * loss.Weight);
    }

    /// <summary>What an anchor of each image counts.</summary>
    /// <param name="positives">Of each image.</param>
    private static float[] Weights(int[] positives, LossNorm norm)
    {
        var all = norm == LossNorm.AtLeastOne ? positives.Sum(count => Math.Max(1, count)) : Math.Max(1, positives.Sum());
        return norm == LossNorm.Image
            ? Array.ConvertAll(positives, count => 1f / (Math.Max(1, count) * positives.Length))
            : Array.ConvertAll(positives, _ => 1f / all);
    }
}
