using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Transformers;

/// <summary>What chance does to true boxes before the decoder gets them.</summary>
/// <param name="Labels">[B * N], below the share of labels that change, a label changes.</param>
/// <param name="NewLabels">[B * N], into what.</param>
/// <param name="Signs">[B * N * 4], 1 or -1: the direction in which a side moves.</param>
/// <param name="Parts">[B * N * 4], in [0, 1): how far, of half the box's side.</param>
internal sealed record DenoisingNoise(double[] Labels, int[] NewLabels, float[] Signs, float[] Parts)
{
    public static DenoisingNoise Draw(RandomSource random, int count, int classes) =>
        new(
            Numbers(count, random.NextDouble),
            Numbers(count, () => random.Next(classes)),
            Numbers(count * 4, () => random.Next(2) == 0 ? -1f : 1f),
            Numbers(count * 4, () => (float)random.NextDouble())
        );

    private static T[] Numbers<T>(int count, Func<T> draw)
    {
        var numbers = new T[count];
        for (var i = 0; i < count; i++)
            numbers[i] = draw();
        return numbers;
    }
}

/// <param name="Queries">About how many further queries that are to find a box; as many again are to find none. 0: none.</param>
/// <param name="LabelNoise">Twice the share of labels that change.</param>
/// <param name="BoxNoise">How far sides move at most, of half the box's sides; those of negatives up to twice as far.</param>
internal sealed record DenoisingPlan(int Queries, double LabelNoise, double BoxNoise);

/// <summary>Further queries in training that are true boxes, moved: from the slightly moved ones the decoder is to find the boxes, and for
/// those moved further it is to say that there is nothing.</summary>
/// <remarks>Zhang et al., "DINO", 2022, arXiv:2203.03605, section 3.3 ("contrastive denoising"), as in RT-DETR.</remarks>
/// <param name="Labels">[B, N], int64; the number of classes where an image has fewer boxes than another.</param>
/// <param name="Boxes">[B, N, 4], centre and sides, before the sigmoid.</param>
/// <param name="Mask">[1, 1, N + queries, N + queries], true where a query may see another.</param>
/// <param name="Groups">How often every box comes, slightly moved.</param>
/// <param name="Pairs">Those, and their boxes.</param>
internal sealed record DenoisingQueries(Tensor Labels, Tensor Boxes, Tensor Mask, int Groups, QueryPairs Pairs)
{
    public int Count => (int)Labels.shape[1];

    /// <param name="queries">The decoder's own queries, which don't see these.</param>
    /// <param name="draw">The noise of so many queries.</param>
    /// <returns>null where the batch has no boxes, or no such queries are wanted.</returns>
    public static DenoisingQueries? Of(
        QueryTruths truths,
        DenoisingPlan plan,
        int classes,
        int queries,
        Func<int, DenoisingNoise> draw,
        Device device
    )
    {
        var most = truths.Labels.Max(labels => labels.Length);
        if (plan.Queries == 0 || most == 0)
            return null;
        var (images, groups) = (truths.Labels.Length, Math.Max(1, plan.Queries / most));
        var count = 2 * most * groups;
        var (labels, boxes) = Moved(truths, plan, classes, (most, count), draw(images * count));
        var pairs = QueryPairs.Of(
            truths,
            [
                .. truths.Labels.Select(of =>
                    from at in Enumerable.Range(0, groups)
                    from box in Enumerable.Range(0, of.Length)
                    select ((2 * most * at) + box, box)
                ),
            ],
            count
        );
        return new DenoisingQueries(
            tensor(labels, device: device).view(images, count),
            RelativeBoxes.InverseSigmoid(tensor(boxes, device: device).view(images, count, 4)),
            Visible(2 * most, count, queries, device),
            groups,
            pairs
        );
    }

    private static (long[] Labels, float[] Boxes) Moved(
        QueryTruths truths,
        DenoisingPlan plan,
        int classes,
        (int Most, int Count) size,
        DenoisingNoise noise
    )
    {
        var (labels, boxes) = (new long[truths.Labels.Length * size.Count], new float[truths.Labels.Length * size.Count * 4]);
        for (var i = 0; i < labels.Length; i++)
        {
            var (image, place) = Math.DivRem(i, size.Count);
            var box = place % size.Most;
            labels[i] = classes;
            if (box >= truths.Labels[image].Length)
                continue;
            labels[i] = noise.Labels[i] < plan.LabelNoise * 0.5 ? noise.NewLabels[i] : truths.Labels[image][box];
            var isNegative = place % (2 * size.Most) >= size.Most;
            Move(
                truths.Boxes[image].AsSpan(box * 4, 4),
                noise.Signs.AsSpan(i * 4, 4),
                noise.Parts.AsSpan(i * 4, 4),
                (isNegative ? 1 : 0, (float)plan.BoxNoise),
                boxes.AsSpan(i * 4, 4)
            );
        }
        return (labels, boxes);
    }

    /// <summary>The sides of a box move, each by itself, within the image.</summary>
    private static void Move(
        ReadOnlySpan<float> box,
        ReadOnlySpan<float> signs,
        ReadOnlySpan<float> parts,
        (float Least, float Scale) noise,
        Span<float> moved
    )
    {
        Span<float> corners = [box[0] - (box[2] / 2), box[1] - (box[3] / 2), box[0] + (box[2] / 2), box[1] + (box[3] / 2)];
        for (var side = 0; side < 4; side++)
        {
            var half = box[2 + (side % 2)] * 0.5f * noise.Scale;
            corners[side] = Math.Clamp(corners[side] + ((parts[side] + noise.Least) * signs[side] * half), 0, 1);
        }
        (moved[0], moved[1]) = ((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2);
        (moved[2], moved[3]) = (corners[2] - corners[0], corners[3] - corners[1]);
    }

    /// <summary>Groups don't see each other, and the decoder's own queries see none of them.</summary>
    private static Tensor Visible(int group, int count, int queries, Device device)
    {
        var all = count + queries;
        var visible = new bool[all * all];
        for (var query = 0; query < all; query++)
        for (var other = 0; other < all; other++)
            visible[(query * all) + other] = other >= count || (query < count && query / group == other / group);
        return tensor(visible, device: device).view(1, 1, all, all);
    }
}
