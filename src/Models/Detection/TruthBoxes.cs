using Tessera.Framework.Data;

namespace Tessera.Models.Detection;

/// <summary>What one image's annotation asks of a detector: the boxes to find, and areas in which nothing is asked.</summary>
/// <param name="Boxes">Of positive size, finite.</param>
/// <param name="Labels">[Boxes.Count].</param>
/// <param name="Ignored">Crowds, difficult objects.</param>
public sealed record TruthBoxes(BoxArray Boxes, int[] Labels, BoxArray Ignored)
{
    private const float Farthest = 1e6f; // areas stay exact enough and finite

    /// <summary>[Boxes.Count], the mask of each box, H x W x 1, UInt8, as large as the image is now; null where the sample has
    /// none.</summary>
    public IReadOnlyList<Image>? Masks { get; init; }

    /// <summary>A sample's boxes, without those that no anchor could be held against: not finite, or of no size.</summary>
    /// <exception cref="UserErrorException">A label is none of the classes.</exception>
    public static TruthBoxes Of(Sample sample, int classes)
    {
        var all =
            sample.Truth.Boxes
            ?? throw new UserErrorException(
                $"{sample.Name} has no boxes, which a detector is trained by. Is the data set's task detection?"
            );
        var (asked, ignored, labels) = (new List<float>(), new List<float>(), new List<int>());
        var masks = sample.Truth.InstanceMasks is { } given && given.Count == all.Count ? given : null;
        var masksOfAsked = new List<Image>();
        for (var i = 0; i < all.Count; i++)
        {
            var box = all.Corners.AsSpan(i * 4, 4);
            if (!IsUsable(box))
                continue;
            if (all.Ignored[i])
            {
                ignored.AddRange(box);
                continue;
            }
            if ((uint)all.Labels[i] >= (uint)classes)
                throw new UserErrorException($"{sample.Name}: box {i} has label {all.Labels[i]}, but there are {classes} classes, from 0.");
            asked.AddRange(box);
            labels.Add(all.Labels[i]);
            if (masks is not null)
                masksOfAsked.Add(masks[i]);
        }
        return new TruthBoxes(BoxArray.Of(asked.ToArray()), [.. labels], BoxArray.Of(ignored.ToArray()))
        {
            Masks = masks is null ? null : masksOfAsked,
        };
    }

    private static bool IsUsable(ReadOnlySpan<float> box)
    {
        foreach (var value in box)
            if (!(Math.Abs(value) <= Farthest))
                return false;
        return box[2] > box[0] && box[3] > box[1];
    }
}
