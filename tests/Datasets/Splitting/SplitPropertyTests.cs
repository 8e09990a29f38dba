using CsCheck;
using Tessera.Datasets.Splitting;

namespace Tessera.Tests.Datasets.Splitting;

/// <summary>What holds for every split, on random data; a failure is shrunk, and its seed is in the message.</summary>
public sealed class SplitPropertyTests
{
    /// <param name="Labels">Of each sample.</param>
    private sealed record Case(int[][] Labels, int Classes, int Folds, long Seed, int[] Groups)
    {
        public Strata Strata => StrataOf(Labels, Classes);

        public override string ToString() =>
            $"{Folds} folds, seed {Seed}: {string.Join(" ", Labels.Select(of => string.Join("+", of)))}; groups {string.Join(" ", Groups)}";
    }

    private static readonly Gen<Case> s_single = Gen.Select(Gen.Int[1, 6], Gen.Int[2, 6], Gen.Long[0, 99], Gen.Int[6, 60])
        .SelectMany(shape =>
            Gen.Int[0, shape.Item1 - 1]
                .Array[shape.Item4]
                .Select(labels => new Case(Array.ConvertAll(labels, label => (int[])[label]), shape.Item1, shape.Item2, shape.Item3, []))
        );

    private static readonly Gen<Case> s_several = Gen.Select(Gen.Int[1, 5], Gen.Int[2, 5], Gen.Long[0, 99], Gen.Int[6, 40])
        .SelectMany(shape =>
            Gen.Select(Gen.Int[0, (1 << shape.Item1) - 1].Array[shape.Item4], Gen.Int[0, 15].Array[shape.Item4])
                .Select(drawn => new Case(
                    Array.ConvertAll(drawn.Item1, bits => Enumerable.Range(0, shape.Item1).Where(c => (bits >> c & 1) != 0).ToArray()),
                    shape.Item1,
                    shape.Item2,
                    shape.Item3,
                    drawn.Item2
                ))
        );

    [Fact]
    public void Folds_PartitionTheSamples() =>
        s_several.Sample(
            of =>
            {
                var plan = SplitPlan.Folds(of.Strata, of.Folds, of.Seed);
                var held = Enumerable.Range(0, of.Folds).Select(plan.IndicesOf).ToArray();
                return held.SelectMany(fold => fold).Order().SequenceEqual(Enumerable.Range(0, of.Labels.Length))
                    && Enumerable
                        .Range(0, of.Folds)
                        .All(fold =>
                            plan.IndicesOutside(fold).Concat(held[fold]).Order().SequenceEqual(Enumerable.Range(0, of.Labels.Length))
                        )
                    && held.All(fold => fold.Length > 0);
            },
            iter: 300
        );

    [Fact]
    public void SingleLabels_Folds_DifferByOneAtMost_InEveryClassAndInAll() =>
        s_single.Sample(
            of =>
            {
                var plan = SplitPlan.Folds(of.Strata, of.Folds, of.Seed);
                return Spread(Enumerable.Range(0, of.Folds).Select(fold => plan.IndicesOf(fold).Length)) <= 1
                    && Enumerable
                        .Range(0, of.Classes)
                        .All(c => Spread(Enumerable.Range(0, of.Folds).Select(fold => plan.CountOf(c, fold))) <= 1);
            },
            iter: 500
        );

    [Fact]
    public void SingleLabels_Parts_AreWithinOneOfTheirShare_AndReached() =>
        Gen.Select(s_single, Gen.Int[5, 95])
            .Sample(
                (of, percent) =>
                {
                    SplitPart[] parts = [new("train", percent / 100.0), new("val", 1 - percent / 100.0)];
                    var plan = SplitPlan.Of(of.Strata, parts, of.Seed);
                    var lone = Enumerable.Range(0, of.Classes).All(c => plan.CountOf(c, 0) + plan.CountOf(c, 1) < 2);
                    for (var c = 0; c < of.Classes; c++)
                    {
                        var (train, val) = (plan.CountOf(c, 0), plan.CountOf(c, 1));
                        if (train + val >= 2 && (train == 0 || val == 0))
                            return false; // reached
                        if (train + val == 1 && train == 0 && !lone)
                            return false; // a single one is trained on, unless there are no others, which val needs
                        if (Math.Abs(train - parts[0].Share * (train + val)) >= 1 + 1e-9)
                            return false;
                    }
                    return true;
                },
                iter: 500
            );

    [Fact]
    public void SameSeed_SamePlan_AndTheOrderOfSamplesDoesNotChangeTheCounts() =>
        s_single.Sample(
            of =>
            {
                var plan = SplitPlan.Folds(of.Strata, of.Folds, of.Seed);
                var turned = StrataOf([.. of.Labels.Reverse()], of.Classes);
                var other = SplitPlan.Folds(turned, of.Folds, of.Seed);
                return plan.PartOf.SequenceEqual(SplitPlan.Folds(of.Strata, of.Folds, of.Seed).PartOf)
                    && Enumerable
                        .Range(0, of.Classes)
                        .All(c => Enumerable.Range(0, of.Folds).All(fold => plan.CountOf(c, fold) == other.CountOf(c, fold)));
            },
            iter: 200
        );

    [Fact]
    public void Groups_NeverStraddle() =>
        s_several
            .Where(of => of.Groups.Distinct().Count() >= of.Folds)
            .Sample(
                of =>
                {
                    var plan = SplitPlan.Folds(of.Strata, of.Folds, of.Seed, of.Groups);
                    return plan.PartOf.Zip(of.Groups)
                            .GroupBy(pair => pair.Second)
                            .All(group => group.Select(pair => pair.First).Distinct().Count() == 1)
                        && plan.PartOf.SequenceEqual(SplitPlan.Folds(of.Strata, of.Folds, of.Seed, of.Groups).PartOf);
                },
                iter: 300
            );

    [Fact]
    public void AnotherSeed_AnotherPlan()
    {
        var strata = StrataOf([.. Enumerable.Range(0, 40).Select(i => (int[])[i % 4])], 4);
        Assert.NotEqual(SplitPlan.Folds(strata, 5, 0).PartOf, SplitPlan.Folds(strata, 5, 1).PartOf);
    }

    private static Strata StrataOf(int[][] labels, int classes) => new([.. Enumerable.Range(0, classes).Select(c => $"c{c}")], labels);

    private static int Spread(IEnumerable<int> counts) => counts.Max() - counts.Min();
}
