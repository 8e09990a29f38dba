using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Tests.Tools.Ensembles;

public sealed class VoteTests
{
    [Fact]
    public void Mean_WeighsProbabilities()
    {
        var mean = Votes.Mean([Of(0.6f, 0.4f), Of(0.2f, 0.8f)], [0.75, 0.25]);
        Assert.Equal([0.5f, 0.5f], mean.Scores);
        Assert.Equal(0, mean.Label); // equal scores: the lower index, as the metrics rank them
        Assert.Equal([2.5f, 0], Votes.Mean([new RegressionPrediction([2, -1]), new RegressionPrediction([3, 1])], [0.5, 0.5]).Values);
    }

    [Fact]
    public void Hard_MostVotesWin_EvenAgainstTheMean()
    {
        var hard = Votes.Hard([Of(0.51f, 0.49f), Of(0.51f, 0.49f), Of(0, 1)], DataTask.Classification);
        Assert.Equal(0, hard.Label); // the mean says 0.34 and 0.66
        Assert.Equal((2 + 0.34) / 4, hard.Scores[0], 6);
        Assert.Equal(1, hard.Scores.Sum(), 6);
    }

    [Fact]
    public void Hard_Tie_IsDecidedByTheMean_ThenByTheLowerIndex()
    {
        Assert.Equal(1, Votes.Hard([Of(0.6f, 0.4f), Of(0.1f, 0.9f)], DataTask.Classification).Label);
        Assert.Equal(0, Votes.Hard([Of(0.25f, 0.75f), Of(0.75f, 0.25f)], DataTask.Classification).Label);
        // Three members for three classes; the mean prefers the last.
        Assert.Equal(2, Votes.Hard([Of(0.5f, 0.1f, 0.4f), Of(0.1f, 0.5f, 0.4f), Of(0.1f, 0.1f, 0.8f)], DataTask.Classification).Label);
    }

    // Of each class by itself: two of three find the first, one the second; of two members that disagree, the mean decides.
    [Fact]
    public void Hard_OfSeveralLabels_VotesClassByClass()
    {
        var hard = Votes.Hard([Of(0.5f, 0.9f), Of(0.6f, 0.4f), Of(0, 0.4f)], DataTask.MultiLabel);
        Assert.True(hard.Scores[0] >= 0.5f && hard.Scores[1] < 0.5f);
        var tie = Votes.Hard([Of(0.55f, 0.9f), Of(0.4f, 0.2f)], DataTask.MultiLabel);
        Assert.True(tie.Scores[0] < 0.5f && tie.Scores[1] >= 0.5f); // means 0.475 and 0.55
    }

    [Fact]
    public void Hard_AnyProbabilities_OrdersByVotesThenMean()
    {
        var random = new Random(3);
        for (var run = 0; run < 300; run++)
        {
            var members = Enumerable.Range(0, random.Next(1, 6)).Select(_ => Draw(4)).ToArray();
            var hard = Votes.Hard(members, DataTask.Classification);
            var expected = Enumerable
                .Range(0, 4)
                .OrderByDescending(c => members.Count(member => member.Label == c))
                .ThenByDescending(c => members.Average(member => (double)member.Scores[c]))
                .First();
            Assert.Equal(expected, hard.Label);

            // The same on maps of one pixel and of a pixel twice.
            float[][] maps = [.. members.Select(member => member.Scores.SelectMany(score => new[] { score, score }).ToArray())];
            Assert.Equal([expected, expected], MapVotes.Labels(MapVotes.Hard(maps, 4), 4));
            var mean = Votes.Mean(members, Votes.Equal(members.Length));
            Assert.Equal([mean.Label, mean.Label], MapVotes.Labels(MapVotes.Mean(maps, Votes.Equal(members.Length)), 4));
        }

        ClassPrediction Draw(int classes)
        {
            var raw = Enumerable.Range(0, classes).Select(_ => random.NextDouble()).ToArray();
            return Of([.. raw.Select(value => (float)(value / raw.Sum()))]);
        }
    }

    // Brute force: no weights of a fine grid make the data more likely.
    [Fact]
    public void MostLikelyWeights_AreTheGridsBest()
    {
        var random = new Random(4);
        for (var run = 0; run < 5; run++)
        {
            double[][] cases =
            [
                .. Enumerable.Range(0, 40).Select(_ => new[] { random.NextDouble(), random.NextDouble(), random.NextDouble() }),
            ];
            var weights = VoteWeights.MostLikely(cases);
            Assert.Equal(1, weights.Sum(), 9);
            var found = Likelihood(weights);
            Assert.All(Grid(), other => Assert.True(Likelihood(other) <= found + 1e-9));
            double Likelihood(double[] w) => cases.Average(p => Math.Log((w[0] * p[0]) + (w[1] * p[1]) + (w[2] * p[2])));
        }
        Assert.Equal(
            [1, 0],
            VoteWeights
                .MostLikely([
                    [0.9, 0.1],
                    [0.8, 0.2],
                ])
                .Select(weight => Math.Round(weight, 6))
        );
        Assert.Equal(
            [0.5, 0.5],
            VoteWeights.MostLikely([
                [0, 0],
            ])
        ); // impossible to both
    }

    [Fact]
    public void LeastSquares_AreTheGridsBest()
    {
        var random = new Random(5);
        for (var run = 0; run < 5; run++)
        {
            double[][] errors =
            [
                .. Enumerable
                    .Range(0, 30)
                    .Select(_ => new[] { random.NextDouble() - 0.3, random.NextDouble() - 0.8, 2 * random.NextDouble() - 1 }),
            ];
            var weights = VoteWeights.LeastSquares(errors);
            Assert.Equal(1, weights.Sum(), 9);
            var found = Error(weights);
            Assert.All(Grid(), other => Assert.True(Error(other) >= found - 1e-9));
            double Error(double[] w) => errors.Average(e => Math.Pow((w[0] * e[0]) + (w[1] * e[1]) + (w[2] * e[2]), 2));
        }
        // Errors 1 and -1 cancel at equal weights, 1 and -3 at 3 : 1.
        Assert.Equal(
            [0.75, 0.25],
            VoteWeights
                .LeastSquares([
                    [1, -3],
                    [2, -6],
                ])
                .Select(weight => Math.Round(weight, 6))
        );
    }

    [Fact]
    public void WeightsInProportion_TakeNothingForNegativeFigures()
    {
        Assert.Equal([0.25, 0.75, 0], VoteWeights.InProportion([0.125, 0.375, -1]));
        Assert.Equal([0.5, 0.5], VoteWeights.InProportion([0, double.NaN]));
    }

    private static IEnumerable<double[]> Grid()
    {
        for (var i = 0; i <= 50; i++)
        for (var j = 0; i + j <= 50; j++)
            yield return [i / 50.0, j / 50.0, (50 - i - j) / 50.0];
    }

    private static ClassPrediction Of(params float[] scores) => new(scores, Array.IndexOf(scores, scores.Max()));
}
