using Tessera.Models.Detection;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;

namespace Tessera.Tests.Models.Detection;

public sealed class DynamicSoftLabelAssignerTests
{
    private const int Classes = 3;
    private static readonly int[] _strides = [8, 16, 32];

    private static readonly AnchorGrid _places = new AnchorGenerator(new(Scales: [1], Ratios: [1]), new Source(_strides)).Generate(
        [(8, 10), (4, 5), (2, 3)],
        (64, 80)
    );

    [Theory]
    [InlineData(3, 13, 3)]
    [InlineData(1, 4, 0.5)]
    public void RandomGuesses_EqualTheWholeMatrix(double radius, int topk, double weight)
    {
        var contested = 0;
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var truth = Truth(random, 1 + seed % 6);
            var guesses = Guesses(random, truth);
            var options = new DynamicSoftLabelAssignerOptions(radius, topk, weight);
            var (boxes, overlaps, several) = ByMatrix(truth, guesses, options);
            var found = new DynamicSoftLabelAssigner(options).Assign(_places, truth, guesses);
            Assert.Equal(boxes, found.Boxes);
            for (var i = 0; i < overlaps.Length; i++)
                Assert.Equal(overlaps[i], found.Overlaps[i], 1e-5);
            contested += several;
        }
        Assert.True(contested > 0, "no place was claimed twice");
    }

    [Fact]
    public void PerfectGuesses_GiveABoxAsManyPlacesAsTheirOverlapsSumTo()
    {
        // Four of the places in the box say just it; all others nothing near.
        var truth = new TruthBoxes(BoxArray.Of([20, 20, 44, 44]), [1], BoxArray.Empty);
        var boxes = BoxArray.WithRoom(_places.Count);
        int[] perfect = [3 * 10 + 3, 3 * 10 + 4, 4 * 10 + 3, 4 * 10 + 4];
        foreach (var place in perfect)
            (boxes.X1[place], boxes.Y1[place], boxes.X2[place], boxes.Y2[place]) = (20, 20, 44, 44);
        var found = new DynamicSoftLabelAssigner(new()).Assign(_places, truth, new(boxes, new float[_places.Count * Classes]));
        Assert.Equal(perfect, Enumerable.Range(0, _places.Count).Where(place => found.Boxes[place] == 0));
        Assert.All(perfect, place => Assert.Equal(1, found.Overlaps[place], 1e-6));
    }

    [Fact]
    public void NoPlaceInAnyBox_IsAllBackground()
    {
        var guesses = Guesses(new Random(1), Truth(new Random(1), 2));
        foreach (var boxes in new float[][] { [], [9000, 9000, 9001, 9001], [33, 33, 34, 34] })
        {
            var truth = new TruthBoxes(BoxArray.Of(boxes), new int[boxes.Length / 4], BoxArray.Empty);
            var found = new DynamicSoftLabelAssigner(new()).Assign(_places, truth, guesses);
            Assert.All(found.Boxes, box => Assert.Equal(Assigner.Background, box));
            Assert.All(found.Overlaps, overlap => Assert.Equal(0, overlap));
        }
    }

    [Fact]
    public void PlacesInACrowd_AreAskedNothing()
    {
        var random = new Random(5);
        var truth = Truth(random, 3) with { Ignored = BoxArray.Of([-16, -16, 40, 64]) };
        var guesses = Guesses(random, truth);
        var found = new DynamicSoftLabelAssigner(new()).Assign(_places, truth, guesses);
        Assert.Contains(Assigner.Ignored, found.Boxes);
        var box = _places.Boxes;
        for (var place = 0; place < _places.Count; place++)
            if (box.X2[place] <= 40 && box.Y2[place] <= 64)
                Assert.Equal(Assigner.Ignored, found.Boxes[place]);
        var deaf = new DynamicSoftLabelAssigner(new()) { IgnoreIofThr = -1 }.Assign(_places, truth, guesses);
        Assert.Equal(ByMatrix(truth, guesses, new()).Boxes, deaf.Boxes);
    }

    [Fact]
    public void GuessesNotFinite_StillGiveABoxAPlace()
    {
        var truth = new TruthBoxes(BoxArray.Of([4, 4, 60, 60]), [2], BoxArray.Empty);
        var guesses = Guesses(new Random(2), truth);
        foreach (var values in new[] { guesses.Boxes.X1, guesses.Boxes.Y2, guesses.ClassLogits })
            Array.Fill(values, float.NaN);
        Assert.Contains(new DynamicSoftLabelAssigner(new()).Assign(_places, truth, guesses).Boxes, box => box >= 0);
    }

    private static TruthBoxes Truth(Random random, int count)
    {
        var corners = new List<float>();
        for (var i = 0; i < count; i++)
        {
            var (x, y) = (random.NextSingle() * 60, random.NextSingle() * 45);
            corners.AddRange([x, y, x + 3 + random.NextSingle() * 40, y + 3 + random.NextSingle() * 40]);
        }
        return new TruthBoxes(
            BoxArray.Of(corners.ToArray()),
            [.. Enumerable.Range(0, count).Select(_ => random.Next(Classes))],
            BoxArray.Empty
        );
    }

    /// <summary>Boxes near one of the truth's, some of them off, some of no size, some turned inside out.</summary>
    private static PlaceGuesses Guesses(Random random, TruthBoxes truth)
    {
        var boxes = BoxArray.WithRoom(_places.Count);
        for (var i = 0; i < boxes.Count; i++)
        {
            var near = random.Next(truth.Boxes.Count);
            float Off() => (random.NextSingle() - 0.5f) * 12;
            (boxes.X1[i], boxes.Y1[i]) = (truth.Boxes.X1[near] + Off(), truth.Boxes.Y1[near] + Off());
            (boxes.X2[i], boxes.Y2[i]) = (truth.Boxes.X2[near] + Off(), truth.Boxes.Y2[near] + Off());
        }
        return new PlaceGuesses(boxes, [.. Enumerable.Range(0, _places.Count * Classes).Select(_ => (random.NextSingle() - 0.5f) * 8)]);
    }

    /// <summary>The definition, in double precision, with every pair's cost and a matrix of claims.</summary>
    private static (int[] Boxes, double[] Overlaps, int Contested) ByMatrix(
        TruthBoxes truth,
        PlaceGuesses guesses,
        DynamicSoftLabelAssignerOptions options
    )
    {
        var (places, boxes) = (Enumerable.Range(0, _places.Count).ToArray(), Enumerable.Range(0, truth.Boxes.Count).ToArray());
        (double X, double Y) Point(int place)
        {
            // A place is the corner of its cell: whole strides.
            var index = _places.Levels.Count(level => level.Start <= place) - 1;
            var (row, column) = Math.DivRem(place - _places.Levels[index].Start, _places.Levels[index].Width);
            return (column * _strides[index], row * _strides[index]);
        }
        bool In(int place, int box)
        {
            var (x, y) = Point(place);
            return Math.Min(
                    Math.Min(x - truth.Boxes.X1[box], y - truth.Boxes.Y1[box]),
                    Math.Min(truth.Boxes.X2[box] - x, truth.Boxes.Y2[box] - y)
                ) > 0;
        }
        double Iou(int place, int box) => AssignmentDefinitions.Iou(guesses.Boxes, place, truth.Boxes, box);
        double Cost(int place, int box)
        {
            var classes = 0.0;
            for (var label = 0; label < Classes; label++)
            {
                var p = 1 / (1 + Math.Exp(-guesses.ClassLogits[place * Classes + label]));
                var target = label == truth.Labels[box] ? Iou(place, box) : 0;
                classes += -(target * Math.Log(p) + (1 - target) * Math.Log(1 - p)) * Math.Pow(Math.Abs(target - p), 2);
            }
            var (x, y) = Point(place);
            var (dx, dy) = (x - (truth.Boxes.X1[box] + truth.Boxes.X2[box]) / 2.0, y - (truth.Boxes.Y1[box] + truth.Boxes.Y2[box]) / 2.0);
            var stride = _strides[_places.Levels.Count(level => level.Start <= place) - 1];
            return classes
                - options.IouWeight * Math.Log(Iou(place, box) + 1e-7)
                + Math.Pow(10, Math.Sqrt(dx * dx + dy * dy) / stride - options.SoftCenterRadius);
        }
        int[] may = [.. places.Where(place => boxes.Any(box => In(place, box)))];
        var claims = boxes.ToDictionary(
            box => box,
            box =>
            {
                var count = Math.Max(1, (int)may.Select(place => Iou(place, box)).OrderDescending().Take(options.Topk).Sum());
                return may.OrderBy(place => Cost(place, box)).Take(count).ToHashSet();
            }
        );
        var result = Array.ConvertAll(
            places,
            place =>
                boxes.Count(box => claims[box].Contains(place)) switch
                {
                    0 => Assigner.Background,
                    1 => boxes.First(box => claims[box].Contains(place)),
                    _ => boxes.MinBy(box => Cost(place, box)),
                }
        );
        return (
            result,
            [.. places.Select(place => result[place] < 0 ? 0 : Iou(place, result[place]))],
            places.Count(place => boxes.Count(box => claims[box].Contains(place)) > 1)
        );
    }
}
