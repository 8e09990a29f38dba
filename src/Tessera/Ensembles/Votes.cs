using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Ensembles;

/// <summary>How members' predictions become one.</summary>
public enum VoteKind
{
    /// <summary>The mean of probabilities or values.</summary>
    Mean,

    /// <summary>The most votes. Ties are decided by the mean probability, and where that is equal, too, by the lower class index.</summary>
    Hard,

    /// <summary>The weighted mean, its weights chosen on val.</summary>
    Weighted,
}

/// <summary>Predictions of several models as one.</summary>
public static class Votes
{
    private const float PresentFrom = 0.5f;

    /// <summary>Equal weights that sum to 1.</summary>
    public static double[] Equal(int members) => [.. Enumerable.Repeat(1.0 / members, members)];

    /// <summary>The weighted mean of the members' probabilities.</summary>
    /// <param name="weights">They sum to 1.</param>
    public static ClassPrediction Mean(IReadOnlyList<ClassPrediction> members, IReadOnlyList<double> weights) =>
        Of(MeanScores(members, weights));

    /// <summary>
    /// The vote of the members' labels (multi-label: of what each finds at least as likely as not, class by class).
    /// </summary>
    /// <returns>The scores are shares of the votes, with one vote more that is divided as the mean probability: so they order the classes
    /// by their votes, and among equally many votes by the mean probability.</returns>
    public static ClassPrediction Hard(IReadOnlyList<ClassPrediction> members, DataTask task)
    {
        var votes = MeanScores(members, Equal(members.Count));
        foreach (var member in members)
            if (task == DataTask.MultiLabel)
                for (var c = 0; c < votes.Length; c++)
                    votes[c] += member.Scores[c] >= PresentFrom ? 1 : 0;
            else
                votes[member.Label]++;
        return Of(Array.ConvertAll(votes, vote => vote / (members.Count + 1)));
    }

    /// <summary>The weighted mean of the members' values.</summary>
    public static RegressionPrediction Mean(IReadOnlyList<RegressionPrediction> members, IReadOnlyList<double> weights)
    {
        var sums = new double[members[0].Values.Length];
        for (var m = 0; m < members.Count; m++)
        for (var t = 0; t < sums.Length; t++)
            sums[t] += weights[m] * members[m].Values[t];
        return new RegressionPrediction(Array.ConvertAll(sums, sum => (float)sum));
    }

    private static double[] MeanScores(IReadOnlyList<ClassPrediction> members, IReadOnlyList<double> weights)
    {
        var sums = new double[members[0].Scores.Length];
        for (var m = 0; m < members.Count; m++)
        for (var c = 0; c < sums.Length; c++)
            sums[c] += weights[m] * members[m].Scores[c];
        return sums;
    }

    /// <summary>The label is the best of the scores as they are given, the first of equal ones: as metrics rank them.</summary>
    private static ClassPrediction Of(double[] sums)
    {
        var scores = Array.ConvertAll(sums, score => (float)score);
        return new ClassPrediction(scores, Math.Max(0, Array.IndexOf(scores, scores.Max())));
    }
}
