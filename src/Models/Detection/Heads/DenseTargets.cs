using Tessera.Models.Detection.Anchors;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>Over what a loss is averaged.</summary>
public enum LossNorm
{
    /// <summary>The positives of the whole batch.</summary>
    Batch,

    /// <summary>The positives of each image, then the images, as torchvision has it for RetinaNet.</summary>
    Image,
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
    {
        (_grid, _truths) = (grid, truths);
        _imageWeights = Weights([.. assigned.Select(image => image.Count(box => box >= 0))], norm);
        Levels = [.. grid.Levels.Select(level => new LevelTargets(level, truths, assigned, _imageWeights))];
        _positives = [.. Levels.SelectMany(level => level.Positives)];
    }

    /// <summary>One for each map.</summary>
    public IReadOnlyList<LevelTargets> Levels { get; }

    /// <summary>[P, 4], the positive anchors, map after map.</summary>
    public Tensor Anchors(Device device) => Rows(positive => (_grid.Boxes, positive.Anchor), device);

    /// <summary>[P, 4], the boxes they are to find.</summary>
    public Tensor Boxes(Device device) => Rows(positive => (_truths[positive.Image].Boxes, positive.Box), device);

    /// <summary>[P], one over the number of positives.</summary>
    public Tensor Weights(Device device) => tensor(Array.ConvertAll(_positives, positive => _imageWeights[positive.Image]), device: device);

    /// <summary>Joins what the levels gathered; [0, …] in the graph where there is nothing.</summary>
    public static Tensor Join(IReadOnlyList<Tensor> gathered) => cat([.. gathered], 0);

    /// <summary>What an anchor of each image counts.</summary>
    /// <param name="positives">Of each image.</param>
    private static float[] Weights(int[] positives, LossNorm norm)
    {
        var all = positives.Sum();
        return norm == LossNorm.Batch
            ? Array.ConvertAll(positives, _ => 1f / Math.Max(1, all))
            : Array.ConvertAll(positives, count => 1f / (Math.Max(1, count) * positives.Length));
    }

    private Tensor Rows(Func<PositiveAnchor, (BoxArray Boxes, int Index)> find, Device device)
    {
        var rows = new float[4 * _positives.Length];
        for (var i = 0; i < _positives.Length; i++)
        {
            var (boxes, index) = find(_positives[i]);
            boxes.CopyTo(index, rows.AsSpan(4 * i, 4));
        }
        return tensor(rows, device: device).view(-1, 4);
    }
}
