using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera;

/// <summary>Leaves out boxes that score less than their class must.</summary>
/// <param name="thresholds">By class name; classes without one keep all boxes.</param>
internal sealed class PredictionThresholds(DataInfo data, IReadOnlyDictionary<string, double> thresholds)
{
    private readonly double[] _byLabel = [.. data.Classes.Select(name => thresholds.GetValueOrDefault(name, double.NegativeInfinity))];

    public IReadOnlyDictionary<string, double> ByName => thresholds;

    public Prediction Apply(Prediction prediction)
    {
        if (thresholds.Count == 0 || prediction is not DetectionPrediction found)
            return prediction;
        int[] kept = [.. Enumerable.Range(0, found.Labels.Length).Where(i => found.Scores[i] >= _byLabel[found.Labels[i]])];
        return found.Chosen(kept);
    }
}
