using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>
/// Counts images for which the network gave no finite numbers. Maps and boxes made of NaN look like others (everything of class 0,
/// or nothing found), so that figures over them would look like results: they are NaN instead, and never the best.
/// </summary>
public sealed class NonFinitePredictions
{
    private string? _first;
    private long _images;

    /// <summary>How many there were.</summary>
    public long Count { get; private set; }

    /// <summary>For people; null where every output was finite.</summary>
    public string? Text =>
        Count == 0
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"The network's output is not finite (NaN or infinite) for {Count} of {_images} "
                    + $"images{(_first is null ? "" : $", first {_first}")}. Every figure that includes them is undefined (NaN)."
            );

    /// <param name="predictions">One for each sample, in order.</param>
    public void See(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            _images++;
            if (IsFinite(predictions[i]))
                continue;
            Count++;
            _first ??= samples[i].Name;
        }
    }

    /// <summary>Adds what another process counted.</summary>
    public void Merge(long count, long images) => (Count, _images) = (Count + count, _images + images);

    /// <summary>This process's counts, to be sent to others.</summary>
    public (long Count, long Images) Counts => (Count, _images);

    /// <summary>The values, or NaN in place of all where an output was not finite.</summary>
    public IReadOnlyDictionary<string, double> Judge(IReadOnlyDictionary<string, double> values) =>
        Count == 0 ? values : values.ToDictionary(value => value.Key, _ => double.NaN);

    private static bool IsFinite(Prediction prediction) =>
        prediction.OutputIsFinite
        && prediction switch
        {
            ClassPrediction { Scores: var scores } => Array.TrueForAll(scores, float.IsFinite),
            RegressionPrediction { Values: var values } => Array.TrueForAll(values, float.IsFinite),
            _ => true,
        };
}
