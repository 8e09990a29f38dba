using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Masks;

/// <summary>Maps and instances of queries against a slow form, pixel by pixel.</summary>
public sealed class MaskResultTests
{
    private const int Side = 12,
        Queries = 6,
        Classes = 3;

    [Fact]
    public void Panoptic_RandomQueries_IsTheSlowForm()
    {
        var random = new RandomSource(3);
        for (var round = 0; round < 40; round++)
        {
            using var scope = NewDisposeScope();
            var (classes, masks) = Queried(random);
            var (least, overlap) = (random.Uniform(0.2, 0.6), random.Uniform(0, 1));
            var map = MaskResults.Panoptic(new QueryMasks(classes, masks, null, (Side, Side)), label => label > 0, least, overlap);
            var expected = Slow(classes.softmax(-1), masks.sigmoid(), least, overlap);
            var values = map.Map.Pixels<ushort>().ToArray();
            Assert.Equal(expected.Select(pixel => pixel.Segment < 0 ? PanopticMap.Void : (ushort)pixel.Segment), values);
            Assert.All(expected.Where(pixel => pixel.Segment >= 0), pixel => Assert.Equal(pixel.Label, map.Segments[pixel.Segment].Label));
        }
    }

    [Fact]
    public void Instances_RandomQueries_AreTheSlowForm()
    {
        var random = new RandomSource(4);
        for (var round = 0; round < 20; round++)
        {
            using var scope = NewDisposeScope();
            var (classes, masks) = Queried(random);
            var found = MaskResults.Instances(new QueryMasks(classes, masks, null, (Side, Side)), 9, 0.05);
            var (shares, logits) = (classes.softmax(-1).data<float>().ToArray(), masks.data<float>().ToArray());
            var pairs = (
                from q in Enumerable.Range(0, Queries)
                from c in Enumerable.Range(0, Classes)
                select (q, c, Score: (double)shares[(q * (Classes + 1)) + c])
            )
                .OrderByDescending(pair => pair.Score)
                .Take(9)
                .Select(pair =>
                {
                    var inside = logits.AsSpan(pair.q * Side * Side, Side * Side).ToArray().Where(value => value > 0).ToArray();
                    return (
                        pair.q,
                        pair.c,
                        Score: pair.Score * inside.Sum(value => 1 / (1 + Math.Exp(-value))) / (inside.Length + 1e-6),
                        inside.Length
                    );
                })
                .Where(pair => pair.Length > 0 && pair.Score > 0.05)
                .OrderByDescending(pair => pair.Score)
                .ToArray();
            Assert.Equal(pairs.Select(pair => pair.c), found.Labels);
            Assert.Equal(pairs.Length, found.Masks!.Count);
            for (var i = 0; i < pairs.Length; i++)
            {
                Assert.Equal(pairs[i].Score, found.Scores[i], 1e-5);
                Assert.Equal(pairs[i].Length, found.Masks[i].Area);
                var (x, y, width, height) = found.Masks[i].Box;
                Assert.Equal([x, y, x + width, y + height], found.Corners.Skip(4 * i).Take(4).Select(side => (int)side));
            }
        }
    }

    /// <summary>An image that was shrunk, mirrored and padded has its masks back where they belong.</summary>
    [Fact]
    public void Instances_OfAMovedImage_LieOnTheOriginal()
    {
        using var scope = NewDisposeScope();
        // The original is 20 high and 30 wide; half of it, mirrored, lies in a tensor of 16 x 24 from (4, 3) on.
        var step = Matrix3x2.CreateScale(-0.5f, 0.5f) * Matrix3x2.CreateTranslation(19, 3);
        var masks = full(1, 16, 24, -5f);
        masks[0].narrow(0, 5, 4).narrow(1, 6, 6).fill_(5); // rows 5 to 9, columns 6 to 12
        var classes = tensor(
            new float[,]
            {
                { 0, 9, 0, 0 },
            }
        );
        var found = MaskResults.Instances(new QueryMasks(classes, masks, new Geometry(20, 30, step), (16, 24)), 1, 0);
        // x from (19 - 12) / 0.5 to (19 - 6) / 0.5, y from (5 - 3) / 0.5 to (9 - 3) / 0.5
        Assert.Equal([14f, 4, 26, 12], found.Corners);
        Assert.Equal((20, 30), (found.Masks![0].Height, found.Masks[0].Width));
        Assert.Equal(12 * 8, found.Masks[0].Area);
    }

    private static (int Segment, int Label)[] Slow(Tensor classes, Tensor masks, double least, double overlap)
    {
        var (scores, shares) = (classes.data<float>().ToArray(), masks.data<float>().ToArray());
        var kept = Enumerable
            .Range(0, Queries)
            .Select(q => (q, Best: Enumerable.Range(0, Classes + 1).MaxBy(c => scores[(q * (Classes + 1)) + c])))
            .Where(entry => entry.Best < Classes && scores[(entry.q * (Classes + 1)) + entry.Best] > least)
            .ToArray();
        var pixels = new (int Segment, int Label)[Side * Side];
        Array.Fill(pixels, (-1, -1));
        var owner = new int[pixels.Length];
        for (var i = 0; i < pixels.Length; i++)
            owner[i] = kept.Length == 0 ? -1 : Enumerable.Range(0, kept.Length).MaxBy(k => Claim(k, i));
        var (next, stuff) = (0, new Dictionary<int, int>());
        for (var k = 0; k < kept.Length; k++)
        {
            var mask = Enumerable.Range(0, pixels.Length).Where(i => Share(k, i) >= 0.5f).ToArray();
            var won = Enumerable.Range(0, pixels.Length).Where(i => owner[i] == k).ToArray();
            var both = mask.Intersect(won).ToArray();
            if (both.Length == 0 || (double)won.Length / mask.Length < overlap)
                continue;
            if (kept[k].Best > 0 || !stuff.TryGetValue(kept[k].Best, out var segment))
            {
                segment = next++;
                if (kept[k].Best == 0)
                    stuff[0] = segment;
            }
            foreach (var i in both)
                pixels[i] = (segment, kept[k].Best);
        }
        return pixels;

        float Share(int k, int i) => shares[(kept[k].q * pixels.Length) + i];

        float Claim(int k, int i) => scores[(kept[k].q * (Classes + 1)) + kept[k].Best] * Share(k, i);
    }

    private static (Tensor Classes, Tensor Masks) Queried(RandomSource random)
    {
        var classes = new float[Queries * (Classes + 1)];
        for (var i = 0; i < classes.Length; i++)
            classes[i] = (float)(2 * random.Normal());
        var masks = new float[Queries * Side * Side];
        for (var q = 0; q < Queries; q++)
        {
            var (cx, cy, radius) = (random.Next(Side), random.Next(Side), random.Uniform(1, 6));
            for (var i = 0; i < Side * Side; i++)
                masks[(q * Side * Side) + i] = (float)(
                    radius - Math.Sqrt(Math.Pow((i % Side) - cx, 2) + Math.Pow((i / Side) - cy, 2)) + (0.3 * random.Normal())
                );
        }
        return (tensor(classes).view(Queries, Classes + 1), tensor(masks).view(Queries, Side, Side));
    }
}
