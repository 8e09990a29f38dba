using Tessera.Models.Detection.Anchors;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Proposals;

/// <summary>The anchors of a batch that the losses look at: first those that are to find a box, then the background.</summary>
internal sealed class ProposalTargets
{
    private readonly AnchorGrid _grid;
    private readonly List<(int Anchor, BoxArray Boxes, int Box)> _positives = [];

    /// <param name="assigned">For each image and anchor: the index of its box, or what <see cref="Assigners.Assigner"/> says.</param>
    /// <param name="sampled">For each image, what was picked.</param>
    public ProposalTargets(
        AnchorGrid grid,
        IReadOnlyList<TruthBoxes> truths,
        IReadOnlyList<int[]> assigned,
        IReadOnlyList<(int[] Positives, int[] Negatives)> sampled
    )
    {
        _grid = grid;
        var indices = new List<long>();
        for (var image = 0; image < sampled.Count; image++)
            foreach (var anchor in sampled[image].Positives)
            {
                indices.Add(((long)image * grid.Count) + anchor);
                _positives.Add((anchor, truths[image].Boxes, assigned[image][anchor]));
            }
        for (var image = 0; image < sampled.Count; image++)
            indices.AddRange(sampled[image].Negatives.Select(anchor => ((long)image * grid.Count) + anchor));
        Sampled = [.. indices];
    }

    /// <summary>Indices among the anchors of all images, image after image.</summary>
    public long[] Sampled { get; }

    /// <summary>How many of them, from the first on, are to find a box.</summary>
    public int Positives => _positives.Count;

    /// <summary>[P, 4], the positive anchors.</summary>
    public Tensor Anchors(Device device) => BoxRows.Of(_positives, positive => (_grid.Boxes, positive.Anchor), device);

    /// <summary>[P, 4], the boxes that they are to find.</summary>
    public Tensor Boxes(Device device) => BoxRows.Of(_positives, positive => (positive.Boxes, positive.Box), device);
}
