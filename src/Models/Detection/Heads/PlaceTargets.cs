using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Coders;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>Which places of a batch are to find what, with one anchor for each place, by what a <see cref="PredictionAssigner"/>
/// says.</summary>
internal sealed class PlaceTargets
{
    private readonly AnchorGrid _places;
    private readonly IReadOnlyList<TruthBoxes> _truths;
    private readonly IReadOnlyList<PlaceMatches> _matches;
    private readonly PositiveAnchor[] _positives; // image after image

    public PlaceTargets(AnchorGrid places, IReadOnlyList<TruthBoxes> truths, IReadOnlyList<PlaceMatches> matches)
    {
        (_places, _truths, _matches) = (places, truths, matches);
        var positives = new List<PositiveAnchor>();
        for (var image = 0; image < matches.Count; image++)
        for (var place = 0; place < places.Count; place++)
            if (matches[image].Boxes[place] is >= 0 and var box)
                positives.Add(new PositiveAnchor(image, place, box));
        _positives = [.. positives];
    }

    /// <summary>P, the places that are to find a box.</summary>
    public int Count => _positives.Length;

    /// <summary>All maps' values, place after place.</summary>
    /// <param name="maps">[B, n, H, W] each.</param>
    /// <returns>[B, N, n].</returns>
    public static Tensor Flat(IReadOnlyList<Tensor> maps)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(cat([.. maps.Select(map => map.flatten(2))], 2).transpose(1, 2));
    }

    /// <summary>What a head says of each image, for assigners.</summary>
    /// <param name="logits">[B, N, C].</param>
    /// <param name="codes">[B, N, 4], as the coder reads them.</param>
    /// <param name="objects">[B, N, 1]; null where the head does not say.</param>
    public static PlaceGuesses[] Guesses(AnchorGrid places, BoxCoder coder, Tensor logits, Tensor codes, Tensor? objects)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var images = (int)codes.shape[0];
        int[] all = [.. Enumerable.Range(0, places.Count)];
        var anchors = BoxRows.Of(all, i => (places.Boxes, i), codes.device).repeat(images, 1); // [B · N, 4]
        var corners = Values(coder.Decode(anchors, codes.flatten(0, 1)));
        var (classes, present) = (Values(logits), objects is null ? null : Values(objects));
        return
        [
            .. Enumerable
                .Range(0, images)
                .Select(image => new PlaceGuesses(
                    BoxArray.Of(Part(corners, image, images)),
                    Part(classes, image, images).ToArray(),
                    present is null ? null : Part(present, image, images).ToArray()
                )),
        ];
    }

    /// <summary>[P], where the positives stand in [B · N, n].</summary>
    public Tensor Rows(Device device) =>
        tensor(Array.ConvertAll(_positives, positive => (long)positive.Image * _places.Count + positive.Anchor), device: device);

    /// <summary>[P].</summary>
    public Tensor Labels(Device device) =>
        tensor(Array.ConvertAll(_positives, positive => (long)_truths[positive.Image].Labels[positive.Box]), device: device);

    /// <summary>[P], IoU of the guesses with the boxes they are to find.</summary>
    public Tensor Overlaps(Device device) =>
        tensor(Array.ConvertAll(_positives, positive => _matches[positive.Image].Overlaps[positive.Anchor]), device: device);

    /// <summary>[P, 4], the positive places' anchors.</summary>
    public Tensor Anchors(Device device) => BoxRows.Of(_positives, positive => (_places.Boxes, positive.Anchor), device);

    /// <summary>[P, 4], the boxes they are to find.</summary>
    public Tensor Boxes(Device device) => BoxRows.Of(_positives, positive => (_truths[positive.Image].Boxes, positive.Box), device);

    /// <summary>[B · N], 0 where a place is asked nothing and 1 elsewhere; null where all are asked.</summary>
    public Tensor? Asked(Device device)
    {
        if (_matches.All(match => Array.IndexOf(match.Boxes, Assigner.Ignored) < 0))
            return null;
        var asked = _matches.SelectMany(match => match.Boxes).Select(box => box == Assigner.Ignored ? 0f : 1f).ToArray();
        return tensor(asked, device: device);
    }

    private static float[] Values(Tensor rows) => rows.detach().cpu().contiguous().Values<float>();

    private static ReadOnlySpan<float> Part(float[] values, int image, int images)
    {
        var each = values.Length / images;
        return values.AsSpan(image * each, each);
    }
}
