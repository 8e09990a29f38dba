namespace Tessera.Framework.Metrics.Analysis;

/// <summary>A label that the predictions contradict.</summary>
/// <param name="Index">Of the prediction.</param>
/// <param name="Given">The label.</param>
/// <param name="Suggested">What the predictions say instead.</param>
/// <param name="Margin">By how much more probable that is, from -1 to 1: the more, the surer.</param>
public sealed record LabelDoubt(int Index, int Given, int Suggested, double Margin);

/// <summary>Which labels are doubtful, and how often each class is called another.</summary>
/// <param name="Doubts">The surest first.</param>
/// <param name="Thresholds">By class: how probable a class must be to be believed; NaN where nothing is labelled so.</param>
/// <param name="Joint">[label, believed class]: how many.</param>
public sealed record ConfidentLearningResult(IReadOnlyList<LabelDoubt> Doubts, IReadOnlyList<double> Thresholds, long[,] Joint);

/// <summary>Finds wrong labels by the predictions of a model that did not learn them by heart.</summary>
/// <remarks>
/// Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021, arXiv:1911.00068. A class is believed
/// where it is at least as probable as it is on average among the samples with its label; of several the most probable. A label that
/// disagrees with what is believed is doubted (the confident joint's entries off the diagonal), in order of the margin.
/// </remarks>
public static class ConfidentLearning
{
    /// <param name="probabilities">Of each sample, one for each class.</param>
    /// <param name="labels">The label of each, from 0.</param>
    public static ConfidentLearningResult Find(IReadOnlyList<IReadOnlyList<double>> probabilities, IReadOnlyList<int> labels)
    {
        var classes = probabilities.Count == 0 ? 0 : probabilities[0].Count;
        var (sums, counts) = (new double[classes], new long[classes]);
        for (var i = 0; i < labels.Count; i++)
        {
            sums[labels[i]] += probabilities[i][labels[i]];
            counts[labels[i]]++;
        }
        double[] thresholds = [.. sums.Select((sum, c) => counts[c] == 0 ? double.NaN : sum / counts[c])];
        var (joint, doubts) = (new long[classes, classes], new List<LabelDoubt>());
        for (var i = 0; i < labels.Count; i++)
        {
            if (Believed(probabilities[i], thresholds) is not { } believed)
                continue;
            joint[labels[i], believed]++;
            if (believed != labels[i])
                doubts.Add(new LabelDoubt(i, labels[i], believed, probabilities[i][believed] - probabilities[i][labels[i]]));
        }
        return new ConfidentLearningResult([.. doubts.OrderByDescending(doubt => doubt.Margin)], thresholds, joint);
    }

    private static int? Believed(IReadOnlyList<double> row, double[] thresholds)
    {
        int? best = null;
        for (var c = 0; c < row.Count; c++)
            if (row[c] >= thresholds[c] && (best is null || row[c] > row[best.Value])) // never of NaN
                best = c;
        return best;
    }
}
