using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Corruptions;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="Corruptions">Which; one of them is drawn for each image. By default the benchmark's 15.</param>
/// <param name="Severities">How strong, 1 to 5; one of them is drawn. By default all five.</param>
/// <param name="Prob">How often an image is corrupted.</param>
/// <param name="Seed">The corruption of an image depends on this and the image's number alone, in every epoch; by default it is drawn
/// anew.</param>
public sealed record CorruptOptions(
    [property: MinLength(1)] CorruptionKind[]? Corruptions = null,
    [property: MinLength(1)] int[]? Severities = null,
    [property: Range(0.0, 1.0)] double Prob = 1,
    long? Seed = null
);

/// <summary>Corrupts the image as robustness is measured with: noise, blur, weather, light, files. Labels stay. To train with it, or to
/// evaluate under it.</summary>
/// <remarks>Hendrycks and Dietterich, 2019, arXiv:1903.12261. Stands right after LoadImage, as the benchmark does. A model that was trained
/// with a corruption is not measured by it.</remarks>
[Component("Corrupt")]
public sealed class Corrupt : Transform
{
    private readonly CorruptOptions _options;
    private readonly IReadOnlyList<CorruptionKind> _kinds;
    private readonly int[] _severities;

    public Corrupt(CorruptOptions options)
    {
        (_options, _kinds, _severities) = (options, options.Corruptions ?? Corruption.Common, options.Severities ?? [1, 2, 3, 4, 5]);
        foreach (var severity in _severities)
            if (severity is < 1 or > Corruption.MostSevere)
                throw new UserErrorException($"Corrupt: a severity is {severity}; 1 to {Corruption.MostSevere} were expected.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (_options.Seed is { } seed)
            random = RandomSource.For(seed, 0, sample.Index);
        if (!random.Chance(_options.Prob))
            return sample;
        var (kind, severity) = (_kinds[random.Next(_kinds.Count)], _severities[random.Next(_severities.Length)]);
        if (_options.Seed is { } fixedSeed) // the same noise whatever else may be drawn
            random = RandomSource.For(fixedSeed, ((int)kind * 10) + severity, sample.Index);
        sample.Image = new(Corruption.Apply(SampleGeometry.ImageOf(sample), kind, severity, random));
        return sample;
    }
}
