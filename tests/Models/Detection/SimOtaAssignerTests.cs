using Tessera.Models.Detection;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;

namespace Tessera.Tests.Models.Detection;

public sealed class SimOtaAssignerTests
{
    private const int Classes = 3;
    private static readonly int[] _strides = [8, 16, 32];

    private static readonly AnchorGrid _places = new AnchorGenerator(
        new(Scales: [1], Ratios: [1], CenterOffset: 0.5),
        new Source(_strides)
    ).Generate([(8, 10), (4, 5), (2, 3)], (64, 80));

    [Theory]
    [InlineData(SimOtaPlaces.BoxOrCenter, 2.5, true)]
    [InlineData(SimOtaPlaces.BoxOrCenter, 0.6, false)]
    [InlineData(SimOtaPlaces.Center, 1.5, true)]
    public void SimOta_RandomGuesses_EqualsTheWholeMatrix(SimOtaPlaces where, double radius, bool objects)
    {
        var contested = 0;
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var truth = Truth(random, 1 + seed % 6);
            var guesses = Guesses(random, truth, objects);
            var options = new SimOtaAssignerOptions(radius, 10, 3, 1, where);
            var (boxes, overlaps, several) = ByMatrix(truth, guesses, options);
            var found = new SimOtaAssigner(options).Assign(_places, truth, guesses);
            Assert.Equal(boxes, found.Boxes);
            for (var i = 0; i < overlaps.Length; i++)
                Assert.Equal(overlaps[i], found.Overlaps[i], 1e-5);
            contested += several;
        }
        Assert.True(contested > 0, "no place was claimed twice");
    }

    [Fact]
    public void SimOta_PerfectGuesses_GiveABoxAsManyPlacesAsTheirOverlapsSumTo()
    {
        // One box in the middle; four of the places around its centre say just it, all others nothing near.
        var truth = new TruthBoxes(BoxArray.Of([20, 20, 44, 44]), [1], BoxArray.Empty);
        var boxes = BoxArray.WithRoom(_places.Count);
        int[] perfect = [3 * 10 + 3, 3 * 10 + 4, 4 * 10 + 3, 4 * 10 + 4];
        foreach (var place in perfect)
            (boxes.X1[place], boxes.Y1[place], boxes.X2[place], boxes.Y2[place]) = (20, 20, 44, 44);
        var found = new SimOtaAssigner(new()).Assign(_places, truth, new(boxes, new float[_places.Count * Classes]));
        Assert.Equal(perfect, Enumerable.Range(0, _places.Count).Where(place => found.Boxes[place] == 0));
        Assert.All(perfect, place => Assert.Equal(1, found.Overlaps[place], 1e-6));
        Assert.Equal(4, found.Overlaps.Sum(), 1e-5);
    }

    [Fact]
    public void SimOta_BoxSmallerThanAnyCell_GetsOnePlace()
    {
        var truth = new TruthBoxes(BoxArray.Of([33, 33, 34, 34]), [0], BoxArray.Empty);
        var guesses = new PlaceGuesses(BoxArray.WithRoom(_places.Count), new float[_places.Count * Classes]);
        Assert.Single(new SimOtaAssigner(new()).Assign(_places, truth, guesses).Boxes, box => box == 0);
    }

    [Fact]
    public void SimOta_NothingToFindOrFarOutside_IsAllBackground()
    {
        var guesses = Guesses(new Random(1), Truth(new Random(1), 2), objects: true);
        foreach (var boxes in new float[][] { [], [9000, 9000, 9001, 9001] })
        {
            var truth = new TruthBoxes(BoxArray.Of(boxes), new int[boxes.Length / 4], BoxArray.Empty);
            var found = new SimOtaAssigner(new()).Assign(_places, truth, guesses);
            Assert.All(found.Boxes, box => Assert.Equal(Assigner.Background, box));
            Assert.All(found.Overlaps, overlap => Assert.Equal(0, overlap));
        }
    }

    [Fact]
    public void SimOta_PlacesInACrowd_AreAskedNothing()
    {
        var random = new Random(5);
        var truth = Truth(random, 3) with { Ignored = BoxArray.Of([0, 0, 40, 64]) };
        var guesses = Guesses(random, truth, objects: true);
        var found = new SimOtaAssigner(new()).Assign(_places, truth, guesses);
        for (var place = 0; place < _places.Count; place++)
        {
            var box = _places.Boxes;
            var share = Math.Max(0, Math.Min(box.X2[place], 40) - box.X1[place]) / (box.X2[place] - box.X1[place]);
            Assert.Equal(share > 0.5, found.Boxes[place] == Assigner.Ignored);
        }
        var deaf = new SimOtaAssigner(new()) { IgnoreIofThr = -1 }.Assign(_places, truth, guesses);
        Assert.DoesNotContain(Assigner.Ignored, deaf.Boxes);
        Assert.Equal(ByMatrix(truth, guesses, new()).Boxes, deaf.Boxes);
    }

    [Fact]
    public void SimOta_GuessesNotFinite_StillGiveEveryBoxAPlace()
    {
        var truth = Truth(new Random(2), 2);
        var guesses = Guesses(new Random(2), truth, objects: false);
        foreach (var values in new[] { guesses.Boxes.X1, guesses.Boxes.Y2, guesses.ClassLogits })
            Array.Fill(values, float.NaN);
        Assert.Contains(new SimOtaAssigner(new()).Assign(_places, truth, guesses).Boxes, box => box >= 0);
    }

    [Fact]
    public void Assign_GuessesOfAnotherGrid_SaysSo() =>
        Assert.Contains(
            "2 guesses for 106 places",
            Assert
                .Throws<ArgumentException>(() =>
                    new SimOtaAssigner(new()).Assign(_places, Truth(new Random(0), 1), new(BoxArray.WithRoom(2), new float[6]))
                )
                .Message
        );

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

    /// <summary>Boxes near one of the truth's, some of them off, some of no size.</summary>
    private static PlaceGuesses Guesses(Random random, TruthBoxes truth, bool objects)
    {
        var boxes = BoxArray.WithRoom(_places.Count);
        for (var i = 0; i < boxes.Count; i++)
        {
            var near = random.Next(truth.Boxes.Count);
            float Off() => (random.NextSingle() - 0.5f) * 12;
            (boxes.X1[i], boxes.Y1[i]) = (truth.Boxes.X1[near] + Off(), truth.Boxes.Y1[near] + Off());
            (boxes.X2[i], boxes.Y2[i]) = (
                Math.Max(boxes.X1[i], truth.Boxes.X2[near] + Off()),
                Math.Max(boxes.Y1[i], truth.Boxes.Y2[near] + Off())
            );
        }
        float[] Logits(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 8)];
        return new PlaceGuesses(boxes, Logits(_places.Count * Classes), objects ? Logits(_places.Count) : null);
    }

    /// <summary>The definition, in double precision, with every pair's cost and a matrix of claims.</summary>
    private static (int[] Boxes, double[] Overlaps, int Contested) ByMatrix(
        TruthBoxes truth,
        PlaceGuesses guesses,
        SimOtaAssignerOptions options
    )
    {
        var (places, boxes) = (Enumerable.Range(0, _places.Count).ToArray(), Enumerable.Range(0, truth.Boxes.Count).ToArray());
        double CenterX(BoxArray of, int i) => (of.X1[i] + (double)of.X2[i]) / 2;
        double CenterY(BoxArray of, int i) => (of.Y1[i] + (double)of.Y2[i]) / 2;
        bool Central(int place, int box)
        {
            var reach = options.CenterRadius * _strides[_places.Levels.Count(level => level.Start <= place) - 1];
            return Math.Abs(CenterX(_places.Boxes, place) - CenterX(truth.Boxes, box)) < reach
                && Math.Abs(CenterY(_places.Boxes, place) - CenterY(truth.Boxes, box)) < reach;
        }
        bool In(int place, int box)
        {
            var (x, y) = (CenterX(_places.Boxes, place), CenterY(_places.Boxes, place));
            return x > truth.Boxes.X1[box] && x < truth.Boxes.X2[box] && y > truth.Boxes.Y1[box] && y < truth.Boxes.Y2[box];
        }
        var both = options.Places == SimOtaPlaces.BoxOrCenter;
        var may = places.Where(place => boxes.Any(box => Central(place, box) || (both && In(place, box)))).ToArray();
        double Iou(int place, int box) => AssignmentDefinitions.Iou(guesses.Boxes, place, truth.Boxes, box);
        double Probability(int place, int label)
        {
            double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
            return Math.Sqrt(
                Sigmoid(guesses.ClassLogits[place * Classes + label]) * (guesses.ObjectLogits is { } o ? Sigmoid(o[place]) : 1)
            );
        }
        double Cost(int place, int box) =>
            Enumerable
                .Range(0, Classes)
                .Sum(label => -Math.Log(label == truth.Labels[box] ? Probability(place, label) : 1 - Probability(place, label)))
                * options.ClsWeight
            - options.IouWeight * Math.Log(Iou(place, box) + 1e-8)
            + (Central(place, box) && (!both || In(place, box)) ? 0 : 1e5);

        var claims = boxes.ToDictionary(
            box => box,
            box =>
            {
                var count = Math.Max(1, (int)may.Select(place => Iou(place, box)).OrderDescending().Take(options.CandidateTopk).Sum());
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
