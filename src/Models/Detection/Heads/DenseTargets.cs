using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
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

/// <summary>Who of a batch's anchors is to find what, as the indices that reach them in the head's maps.</summary>
internal sealed class DenseTargets
{
    private readonly List<float> _anchors = [],
        _boxes = [],
        _weights = [];

    /// <param name="assigned">For each image and anchor: the index of its box, or what <see cref="Assigner"/> says.</param>
    public DenseTargets(AnchorGrid grid, IReadOnlyList<TruthBoxes> truths, IReadOnlyList<int[]> assigned, LossNorm norm)
    {
        var positives = assigned.Select(image => image.Count(box => box >= 0)).ToArray();
        Count = positives.Sum();
        var weights =
            norm == LossNorm.Batch
                ? [.. positives.Select(_ => 1f / Math.Max(1, Count))]
                : positives.Select(count => 1f / (Math.Max(1, count) * positives.Length)).ToArray();
        Levels = [.. grid.Levels.Select(level => new Level(this, grid, level, truths, assigned, weights))];
    }

    /// <summary>Positive anchors of the batch.</summary>
    public int Count { get; }

    /// <summary>One for each map.</summary>
    public IReadOnlyList<Level> Levels { get; }

    /// <summary>[P, 4], the positive anchors, map after map.</summary>
    public Tensor Anchors(Device device) => Rows(_anchors, device);

    /// <summary>[P, 4], the boxes they are to find.</summary>
    public Tensor Boxes(Device device) => Rows(_boxes, device);

    /// <summary>[P], one over the number of positives.</summary>
    public Tensor Weights(Device device) => tensor(_weights.ToArray(), device: device);

    /// <summary>Joins what the levels gathered; [0, …] in the graph where there is nothing.</summary>
    public static Tensor Join(IReadOnlyList<Tensor> gathered) => cat([.. gathered], 0);

    private static Tensor Rows(List<float> values, Device device) => tensor(values.ToArray(), device: device).view(-1, 4);

    internal sealed class Level
    {
        private readonly List<long> _image = [],
            _shape = [],
            _row = [],
            _column = [],
            _label = [];
        private readonly List<float> _weight = [];
        private readonly float[]? _everyWeight; // [B, A, H, W]; null where all images have one weight and nothing is ignored
        private readonly float _oneWeight;
        private readonly AnchorLevel _level;

        public Level(
            DenseTargets all,
            AnchorGrid grid,
            AnchorLevel level,
            IReadOnlyList<TruthBoxes> truths,
            IReadOnlyList<int[]> assigned,
            float[] weights
        )
        {
            _level = level;
            _oneWeight = weights[0];
            var plain =
                weights.All(weight => weight == _oneWeight)
                && assigned.All(image => Array.IndexOf(image, Assigner.Ignored, level.Start, level.Count) < 0);
            if (!plain)
            {
                _everyWeight = new float[assigned.Count * level.Count];
                for (var image = 0; image < weights.Length; image++)
                    Array.Fill(_everyWeight, weights[image], image * level.Count, level.Count);
            }
            Span<float> corners = stackalloc float[4];
            for (var image = 0; image < assigned.Count; image++)
            {
                var boxes = assigned[image];
                for (var i = 0; i < level.Count; i++)
                {
                    var box = boxes[level.Start + i];
                    if (box == Assigner.Background)
                        continue;
                    var (cell, shape) = Math.DivRem(i, level.PerCell);
                    if (box == Assigner.Ignored)
                    {
                        _everyWeight![((image * level.PerCell) + shape) * level.Height * level.Width + cell] = 0;
                        continue;
                    }
                    _image.Add(image);
                    _shape.Add(shape);
                    _row.Add(cell / level.Width);
                    _column.Add(cell % level.Width);
                    _label.Add(truths[image].Labels[box]);
                    _weight.Add(weights[image]);
                    all._weights.Add(weights[image]);
                    grid.Boxes.CopyTo(level.Start + i, corners);
                    all._anchors.AddRange(corners);
                    truths[image].Boxes.CopyTo(box, corners);
                    all._boxes.AddRange(corners);
                }
            }
        }

        /// <summary>The weighted sum of a class loss over this map.</summary>
        /// <param name="logits">[B, A · C, H, W].</param>
        public Tensor ClassLoss(Tensor logits, Losses.ClassLoss loss)
        {
            using var scope = NewDisposeScope();
            var device = logits.device;
            var byClass = logits.unflatten(1, [_level.PerCell, -1]); // [B, A, C, H, W]
            var absent = loss.Absent(byClass);
            var sum = _everyWeight is null
                ? absent.sum() * _oneWeight
                : (absent.sum([2]) * tensor(_everyWeight, device: device).view(-1, _level.PerCell, _level.Height, _level.Width)).sum();
            if (_image.Count > 0)
            {
                var present = byClass.index(
                    At(_image, device),
                    At(_shape, device),
                    At(_label, device),
                    At(_row, device),
                    At(_column, device)
                ); // [P]
                sum = sum + ((loss.Present(present) - loss.Absent(present)) * tensor(_weight.ToArray(), device: device)).sum();
            }
            return scope.MoveToOuter(sum);
        }

        /// <summary>What a map says at the positives.</summary>
        /// <param name="map">[B, A · n, H, W].</param>
        /// <returns>[P, n], float32.</returns>
        public Tensor Gather(Tensor map)
        {
            using var scope = NewDisposeScope();
            var device = map.device;
            var rows = map.unflatten(1, [_level.PerCell, -1]).permute(0, 1, 3, 4, 2); // [B, A, H, W, n]
            return scope.MoveToOuter(
                rows.index(At(_image, device), At(_shape, device), At(_row, device), At(_column, device)).to(ScalarType.Float32)
            );
        }

        private static Tensor At(List<long> indices, Device device) => tensor(indices.ToArray(), device: device);
    }
}
