using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Detection.Suppression;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>What was picked for one image, map after map, with boxes not yet decoded.</summary>
internal sealed class ImageCandidates(AnchorGrid grid)
{
    private readonly List<float> _anchors = [],
        _codes = [],
        _scores = [];
    private readonly List<int> _labels = [],
        _indices = [];

    /// <param name="anchor">Index among all anchors.</param>
    /// <param name="code">[4], the box as the coder reads it.</param>
    public void Add(int anchor, int label, float score, ReadOnlySpan<float> code)
    {
        Span<float> box = stackalloc float[4];
        grid.Boxes.CopyTo(anchor, box);
        _anchors.AddRange(box);
        _codes.AddRange(code);
        _scores.Add(score);
        _labels.Add(label);
        _indices.Add(anchor);
    }

    public Candidates Decode(BoxCoder coder)
    {
        using var scope = NewDisposeScope();
        var boxes =
            _codes.Count == 0
                ? []
                : coder.Decode(tensor(_anchors.ToArray()).view(-1, 4), tensor(_codes.ToArray()).view(-1, 4)).contiguous().Values<float>();
        return new Candidates(boxes, [.. _scores], [.. _labels]) { Anchors = [.. _indices] };
    }
}
