using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Tools.Ensembles;

/// <summary>Chooses the members' weights on some data.</summary>
internal sealed class ValidatedWeights(DataInfo data, int members)
{
    /// <summary>Pixels of an image that decide; more say the same again.</summary>
    private const int PixelsOfAnImage = 512;

    private readonly List<double[]> _cases = [];
    private readonly List<int> _targets = []; // of a regression, beside the cases

    /// <summary>How they are chosen, in words.</summary>
    public string Rule =>
        data.Task switch
        {
            DataTask.Regression => "least squared error",
            DataTask.Detection => "in proportion to each member's own figure",
            DataTask.Segmentation => $"largest likelihood of up to {PixelsOfAnImage} pixels of an image",
            _ => "largest likelihood",
        };

    public void Add(Sample sample, IReadOnlyList<MemberOutput> outputs)
    {
        switch (outputs[0].Prediction)
        {
            case ClassPrediction when sample.Truth.MultiLabel is { } labels:
                for (var c = 0; c < labels.Length; c++)
                    Add(outputs, output => OfTruth(((ClassPrediction)output.Prediction).Scores[c], labels[c] >= 0.5f));
                break;
            case ClassPrediction when sample.Truth.Label is { } label:
                Add(outputs, output => ((ClassPrediction)output.Prediction).Scores[label]);
                break;
            case RegressionPrediction when sample.Truth.Targets is { } targets:
                for (var t = 0; t < targets.Length; t++)
                {
                    Add(outputs, output => ((RegressionPrediction)output.Prediction).Values[t] - (double)targets[t]);
                    _targets.Add(t);
                }
                break;
            case SegmentationPrediction when sample.Truth.SegmentationMap is { } map:
                AddPixels(sample, map, outputs);
                break;
        }
    }

    /// <summary>The weights, after everything was added.</summary>
    /// <param name="figures">Each member's own value of what is followed, where less is better negated.</param>
    /// <exception cref="UserErrorException">A member's output isn't finite.</exception>
    public double[] Choose(IReadOnlyList<double> figures)
    {
        if (data.Task == DataTask.Detection)
            return VoteWeights.InProportion(figures);
        if (_cases.Count == 0)
            return Votes.Equal(members);
        if (_cases.Any(given => given.Any(value => !double.IsFinite(value))))
            throw new UserErrorException(
                "--vote weighted: a member's output is not finite (NaN or infinite), so no weights can be chosen."
            );
        return data.Task == DataTask.Regression ? VoteWeights.LeastSquares(InUnits()) : VoteWeights.MostLikely(_cases);
    }

    /// <summary>Errors relative to what is usual for their target, so that none decides by its unit.</summary>
    private List<double[]> InUnits()
    {
        var usual = _cases
            .Zip(_targets)
            .GroupBy(entry => entry.Second, entry => entry.First)
            .ToDictionary(group => group.Key, group => Math.Sqrt(group.Average(errors => errors.Average(error => error * error))));
        return
        [
            .. _cases
                .Zip(_targets)
                .Select(entry => Array.ConvertAll(entry.First, error => usual[entry.Second] is > 0 and var unit ? error / unit : 0)),
        ];
    }

    private void AddPixels(Sample sample, Image truth, IReadOnlyList<MemberOutput> outputs)
    {
        var pixels = truth.Height * truth.Width;
        var random = RandomSource.For(0, 0, sample.Index);
        for (var n = 0; n < Math.Min(pixels, PixelsOfAnImage); n++)
        {
            var pixel = random.Next(pixels);
            if (PixelTruth.At(truth, pixel) is var label && label < data.Classes.Count)
                Add(outputs, output => output.Map![(label * pixels) + pixel]);
        }
    }

    private static double OfTruth(double probability, bool present) => present ? probability : 1 - probability;

    private void Add(IReadOnlyList<MemberOutput> outputs, Func<MemberOutput, double> value) => _cases.Add([.. outputs.Select(value)]);
}
