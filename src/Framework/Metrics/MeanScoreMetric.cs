using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>
/// The mean of the number that a generative model gives each image (<see cref="ScorePrediction"/>), by its name: of a GAN's discriminator
/// "score", of a diffusion model "noise_mse". Images that were not trained on tell whether the model has learnt those that were by heart.
/// </summary>
[Component("MeanScore")]
public sealed class MeanScoreMetric : Metric
{
    private readonly SortedDictionary<string, (double Sum, long Count)> _sums = new(StringComparer.Ordinal);

    public override void Reset(DataInfo info) => _sums.Clear();

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            if (predictions[i] is not ScorePrediction { Name: var name, Value: var value })
                throw new UserErrorException(
                    $"The model gives {samples[i].Name} no score; MeanScore is for Diffusion and for a Gan whose condition is none."
                );
            Add(name, value, 1);
        }
    }

    public override IReadOnlyDictionary<string, double> Compute() =>
        _sums.ToDictionary(entry => entry.Key, entry => entry.Value.Sum / entry.Value.Count);

    /// <summary>Less of an error; of other scores neither is better.</summary>
    public override MetricRule? RuleOf(string name) => name.EndsWith("mse", StringComparison.Ordinal) ? MetricRule.Less : null;

    public override byte[] Save() =>
        MetricState.Write(writer =>
        {
            writer.Write(_sums.Count);
            foreach (var (name, (sum, count)) in _sums)
            {
                writer.Write(name);
                writer.Write(sum);
                writer.Write(count);
            }
        });

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            reader =>
            {
                for (var left = reader.ReadInt32(); left > 0; left--)
                    Add(reader.ReadString(), reader.ReadDouble(), reader.ReadInt64());
            }
        );

    private void Add(string name, double sum, long count)
    {
        var had = _sums.GetValueOrDefault(name);
        _sums[name] = (had.Sum + sum, had.Count + count);
    }
}
