namespace Tessera.Ensembles;

/// <summary>Votes on every pixel of an image. Maps are [classes, pixels], class by class.</summary>
public static class MapVotes
{
    /// <summary>The weighted mean of the members' probabilities.</summary>
    public static float[] Mean(IReadOnlyList<float[]> members, IReadOnlyList<double> weights)
    {
        var mean = new float[members[0].Length];
        for (var m = 0; m < members.Count; m++)
        {
            var (member, weight) = (members[m], (float)weights[m]);
            for (var i = 0; i < mean.Length; i++)
                mean[i] += weight * member[i];
        }
        return mean;
    }

    /// <summary>Shares of the members' votes, with one vote more that is divided as the mean probability, which so decides ties.</summary>
    public static float[] Hard(IReadOnlyList<float[]> members, int classes)
    {
        var votes = Mean(members, Votes.Equal(members.Count));
        var pixels = votes.Length / classes;
        foreach (var member in members)
        {
            var labels = Labels(member, classes);
            for (var i = 0; i < pixels; i++)
                votes[(labels[i] * pixels) + i]++;
        }
        for (var i = 0; i < votes.Length; i++)
            votes[i] /= members.Count + 1;
        return votes;
    }

    /// <summary>The most probable class of every pixel; of equally probable ones the first.</summary>
    public static int[] Labels(float[] probabilities, int classes)
    {
        var pixels = probabilities.Length / classes;
        var labels = new int[pixels];
        var best = probabilities[..pixels];
        for (var c = 1; c < classes; c++)
        for (var i = 0; i < pixels; i++)
            if (probabilities[(c * pixels) + i] is var value && value > best[i])
                (best[i], labels[i]) = (value, c);
        return labels;
    }
}
