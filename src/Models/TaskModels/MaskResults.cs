using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels.Segmentation;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>What queries say of one image.</summary>
/// <param name="Classes">Logits [Q, classes + 1], float32, the last of no object.</param>
/// <param name="Masks">Logits [Q, h, w], float32, covering the batch's tensor.</param>
/// <param name="Geometry">How the image came into the tensor; null: it is the tensor.</param>
/// <param name="Size">The tensor's height and width.</param>
internal sealed record QueryMasks(Tensor Classes, Tensor Masks, Geometry? Geometry, (int Height, int Width) Size)
{
    public (int Height, int Width) Original => Geometry is null ? Size : (Geometry.OriginalHeight, Geometry.OriginalWidth);

    /// <summary>Logits of some queries at the pixels of the original image, some rows at a time.</summary>
    /// <param name="use">Gets [N, rows, W] and the first row's number.</param>
    public void ByRows(long[] queries, Action<Tensor, int> use)
    {
        using var scope = NewDisposeScope();
        var chosen = Masks.index_select(0, tensor(queries, device: Masks.device)).unsqueeze(0);
        var maps = new ViewMaps([new View(1, false, false, 1)], [chosen], Size, new ClassMapForm(queries.Length));
        maps.ByRows(Geometry, (logits, top) => use(logits.squeeze(0), top));
    }
}

/// <summary>Makes instances and panoptic maps of what queries say.</summary>
/// <remarks>As the authors of EoMT (Kerssies et al., CVPR 2025, arXiv:2503.19108) do in evaluation, who follow Cheng et al., "Mask2Former",
/// CVPR 2022, arXiv:2112.01527, section 3 and appendix. Masks go from their own size to the original image's in one step.</remarks>
internal static class MaskResults
{
    private const long MostPixels = 1 << 26; // of masks held at once

    /// <summary>Each pixel goes to the query that claims it most, by class score times mask score; queries that lose too much of their mask
    /// are dropped.</summary>
    /// <param name="isThing">By class; segments of stuff of one class become one.</param>
    /// <param name="maskThresh">A query's class must score more.</param>
    /// <param name="overlapThresh">The part of its mask that a query must keep at least.</param>
    public static PanopticMap Panoptic(QueryMasks found, Func<int, bool> isThing, double maskThresh, double overlapThresh)
    {
        using var scope = NewDisposeScope();
        var (best, places) = found.Classes.softmax(-1).max(-1);
        var (scores, labels) = (best.cpu().Values<float>(), places.cpu().Values<long>());
        var nothing = (int)found.Classes.shape[1] - 1;
        long[] kept =
        [
            .. Enumerable.Range(0, scores.Length).Where(q => labels[q] != nothing && scores[q] > maskThresh).Select(q => (long)q),
        ];
        var (height, width) = found.Original;
        var map = new Image(height, width, 1, PixelType.UInt16);
        map.Pixels<ushort>().Fill(PanopticMap.Void);
        if (kept.Length == 0)
            return new PanopticMap(map, []);
        var (winners, inside, areas) = Claims(found, kept, tensor(kept.Select(q => scores[q]).ToArray(), device: found.Masks.device));
        var segments = new List<PanopticSegment>();
        var places16 = Places(winners, inside, areas, overlapThresh, k => (int)labels[kept[k]], k => scores[kept[k]], isThing, segments);
        var values = map.Pixels<ushort>();
        for (var i = 0; i < values.Length; i++)
            if (inside[i])
                values[i] = places16[winners[i]];
        return new PanopticMap(map, segments);
    }

    /// <summary>The best pairs of a query and a class, each with the query's mask.</summary>
    /// <param name="most">How many pairs.</param>
    /// <param name="scoreThr">The product of class and mask score must exceed it.</param>
    public static DetectionPrediction Instances(QueryMasks found, int most, double scoreThr)
    {
        using var scope = NewDisposeScope();
        var classes = found.Classes.shape[1] - 1;
        var probabilities = found.Classes.softmax(-1).narrow(1, 0, classes).flatten();
        var (top, at) = probabilities.topk((int)Math.Min(most, probabilities.shape[0]));
        var (scores, pairs) = (top.cpu().Values<float>(), at.cpu().Values<long>());
        long[] queries = [.. pairs.Select(pair => pair / classes).Distinct().Order()];
        var masks = Masks(found, queries).ToDictionary(entry => entry.Query, entry => entry);
        var objects = scores
            .Zip(
                pairs,
                (score, pair) => (Score: score * masks[pair / classes].Score, Label: (int)(pair % classes), masks[pair / classes].Mask)
            )
            .Where(one => one.Mask is not null && one.Score > scoreThr)
            .OrderByDescending(one => one.Score) // stable
            .ToArray();
        return new DetectionPrediction(
            [.. objects.SelectMany(one => Corners(one.Mask!))],
            [.. objects.Select(one => (float)one.Score)],
            [.. objects.Select(one => one.Label)]
        )
        {
            Masks = [.. objects.Select(one => one.Mask!)],
        };
    }

    /// <returns>Of each pixel the kept query that claims it most, and whether it lies in that query's mask; of each query its mask's
    /// pixels.</returns>
    private static (ushort[] Winners, bool[] Inside, long[] Areas) Claims(QueryMasks found, long[] kept, Tensor scores)
    {
        var (height, width) = found.Original;
        var (winners, inside, areas) = (new ushort[height * width], new bool[height * width], new long[kept.Length]);
        found.ByRows(
            kept,
            (logits, top) =>
            {
                var shares = logits.sigmoid();
                var winner = (shares * scores.view(-1, 1, 1)).max(0).indexes; // [rows, W]
                var isInside = shares.gather(0, winner.unsqueeze(0)).ge(0.5).squeeze(0);
                foreach (var (k, pixels) in shares.ge(0.5).sum([1, 2]).cpu().Values<long>().Index())
                    areas[k] += pixels;
                var start = top * width;
                foreach (var value in winner.flatten().to(ScalarType.Int32).cpu().Values<int>())
                    winners[start++] = (ushort)value;
                isInside.flatten().cpu().contiguous().Values<bool>().CopyTo(inside, top * width);
            }
        );
        return (winners, inside, areas);
    }

    /// <summary>Makes segments of the queries that keep enough.</summary>
    /// <returns>Of each query its segment's place, or <see cref="PanopticMap.Void"/>.</returns>
    private static ushort[] Places(
        ushort[] winners,
        bool[] inside,
        long[] areas,
        double overlapThresh,
        Func<int, int> labelOf,
        Func<int, float> scoreOf,
        Func<int, bool> isThing,
        List<PanopticSegment> segments
    )
    {
        var (won, left) = (new long[areas.Length], new long[areas.Length]);
        for (var i = 0; i < winners.Length; i++)
        {
            won[winners[i]]++;
            if (inside[i])
                left[winners[i]]++;
        }
        var (places, stuff) = (new ushort[areas.Length], new Dictionary<int, ushort>());
        for (var k = 0; k < places.Length; k++)
        {
            places[k] = PanopticMap.Void;
            if (left[k] == 0 || (double)won[k] / areas[k] < overlapThresh)
                continue;
            var label = labelOf(k);
            if (!isThing(label) && stuff.TryGetValue(label, out places[k]))
                continue;
            places[k] = (ushort)segments.Count;
            segments.Add(new PanopticSegment(label) { Score = scoreOf(k) });
            if (!isThing(label))
                stuff[label] = places[k];
        }
        return places;
    }

    /// <summary>Masks and how sure each is within, the mean of its pixels; null where a mask is empty.</summary>
    private static IEnumerable<(long Query, RunLengthMask? Mask, double Score)> Masks(QueryMasks found, long[] queries)
    {
        var (height, width) = found.Original;
        var each = (long)height * width;
        foreach (var group in queries.Chunk((int)Math.Clamp(MostPixels / each, 1, queries.Length)))
        {
            var pixels = Array.ConvertAll(group, _ => new byte[each]);
            var (sums, areas) = (new double[group.Length], new double[group.Length]);
            found.ByRows(
                group,
                (logits, top) =>
                {
                    var inside = logits.gt(0);
                    var shares = (logits.sigmoid() * inside).sum([1, 2], type: ScalarType.Float64).cpu().Values<double>();
                    var rows = inside.to(ScalarType.Byte).cpu().contiguous().Values<byte>();
                    var part = rows.Length / group.Length;
                    for (var k = 0; k < group.Length; k++)
                    {
                        rows.AsSpan(k * part, part).CopyTo(pixels[k].AsSpan(top * width));
                        sums[k] += shares[k];
                        areas[k] += rows.AsSpan(k * part, part).Count((byte)1);
                    }
                }
            );
            for (var k = 0; k < group.Length; k++)
                yield return (
                    group[k],
                    areas[k] == 0 ? null : RunLengthMask.Of(new Image(height, width, 1, PixelType.UInt8, pixels[k])),
                    sums[k] / (areas[k] + 1e-6)
                );
        }
    }

    private static float[] Corners(RunLengthMask mask)
    {
        var (x, y, width, height) = mask.Box;
        return [x, y, x + width, y + height];
    }
}
