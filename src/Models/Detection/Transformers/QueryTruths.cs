using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Transformers;

/// <summary>What a batch asks of queries: for each image its boxes as centre and sides, relative to the image without padding.</summary>
/// <param name="Boxes">Of each image, [N * 4], centre x, centre y, width, height in [0, 1].</param>
/// <param name="Labels">Of each image, [N].</param>
internal sealed record QueryTruths(float[][] Boxes, int[][] Labels)
{
    /// <summary>Boxes of the whole batch.</summary>
    public int Count => Labels.Sum(labels => labels.Length);

    /// <param name="areas">Where each image lies in its tensor.</param>
    /// <param name="queries">How many boxes can be found in an image.</param>
    /// <exception cref="UserErrorException">An image has more boxes, or a label is none of the classes.</exception>
    public static QueryTruths Of(string model, Batch batch, IReadOnlyList<ImageArea> areas, int classes, int queries)
    {
        var (boxes, labels) = (new float[batch.Count][], new int[batch.Count][]);
        for (var i = 0; i < batch.Count; i++)
        {
            var truth = TruthBoxes.Of(batch.Samples[i], classes);
            if (truth.Boxes.Count > queries)
                throw new UserErrorException(
                    $"{batch.Samples[i].Name} has {truth.Boxes.Count} boxes, but {model} can find {queries} (num_queries): each box "
                        + "needs a query of its own."
                );
            (boxes[i], labels[i]) = (Relative(truth.Boxes, areas[i]), truth.Labels);
        }
        return new QueryTruths(boxes, labels);
    }

    private static float[] Relative(BoxArray boxes, ImageArea area)
    {
        var (width, height) = (Math.Max(1, area.Right - area.Left), Math.Max(1, area.Bottom - area.Top));
        var relative = new float[boxes.Count * 4];
        for (var i = 0; i < boxes.Count; i++)
        {
            relative[i * 4] = (((boxes.X1[i] + boxes.X2[i]) / 2) - area.Left) / width;
            relative[(i * 4) + 1] = (((boxes.Y1[i] + boxes.Y2[i]) / 2) - area.Top) / height;
            relative[(i * 4) + 2] = (boxes.X2[i] - boxes.X1[i]) / width;
            relative[(i * 4) + 3] = (boxes.Y2[i] - boxes.Y1[i]) / height;
        }
        return relative;
    }
}

/// <summary>Queries of a batch, and the boxes that they are to find.</summary>
/// <param name="Rows">[P], image · queries + query.</param>
/// <param name="Labels">[P], classes of the boxes.</param>
/// <param name="Boxes">[P * 4], as in <see cref="QueryTruths"/>.</param>
internal sealed record QueryPairs(long[] Rows, int[] Labels, float[] Boxes)
{
    /// <param name="boxOf">For each image: pairs of a query and a box.</param>
    /// <param name="queries">Of an image.</param>
    public static QueryPairs Of(QueryTruths truths, IReadOnlyList<IEnumerable<(int Query, int Box)>> boxOf, int queries)
    {
        var (rows, labels, boxes) = (new List<long>(), new List<int>(), new List<float>());
        for (var image = 0; image < boxOf.Count; image++)
            foreach (var (query, box) in boxOf[image])
            {
                rows.Add(((long)image * queries) + query);
                labels.Add(truths.Labels[image][box]);
                boxes.AddRange(truths.Boxes[image].AsSpan(box * 4, 4));
            }
        return new QueryPairs([.. rows], [.. labels], [.. boxes]);
    }

    /// <summary>Rows that a tensor [B, queries, …] has for the pairs, [P, …].</summary>
    public Tensor Select(Tensor outputs) => outputs.flatten(0, 1).index_select(0, tensor(Rows, device: outputs.device));

    /// <summary>[P, 4].</summary>
    public Tensor TruthBoxes(Device device) => tensor(Boxes, device: device).view(-1, 4);
}
