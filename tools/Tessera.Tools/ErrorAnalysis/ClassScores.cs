using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Models;
using Tessera.Predictions;

namespace Tessera.Tools.ErrorAnalysis;

/// <summary>The probabilities of a classifier, with the truth.</summary>
internal sealed class ClassScores(DataInfo data)
{
    private const double SumTolerance = 1e-3;

    private readonly List<(double[] Scores, GroundTruth Truth)> _images = [];

    public int Count => _images.Count;

    /// <summary>Whether each class is a question of its own, yes or no: with several labels, and where an image's scores don't sum to
    /// 1.</summary>
    public bool IsYesOrNo => data.Task == DataTask.MultiLabel || _images.Any(image => !(Math.Abs(image.Scores.Sum() - 1) <= SumTolerance));

    public IEnumerable<(double[] Scores, GroundTruth Truth)> Images => _images;

    /// <exception cref="UserErrorException">The prediction isn't of these classes, or the truth is unknown.</exception>
    public void Add(string name, GroundTruth truth, Prediction prediction)
    {
        if (prediction is not ClassPrediction { Scores: var scores } || scores.Length != data.Classes.Count)
            throw new UserErrorException($"{name}: it has no score for each of the {data.Classes.Count} classes.");
        if (truth is { Label: null, MultiLabel: null })
            throw new UserErrorException($"{name}: its class is not known, which predictions are compared with.");
        if (scores.All(float.IsFinite)) // others were told of
            _images.Add((Array.ConvertAll(scores, score => (double)score), truth));
    }

    /// <summary>Those of a file of stored predictions.</summary>
    /// <exception cref="UserErrorException">They are of other classes, or of another task.</exception>
    public static ClassScores Of(PredictionFile file, DataInfo data)
    {
        if (file.Data.Task != data.Task)
            throw new UserErrorException(
                $"{file.FullName}: its predictions are for {TaskNames.Of(file.Data.Task)} data, "
                    + $"the config's data is for {TaskNames.Of(data.Task)}."
            );
        if (!file.Data.Classes.SequenceEqual(data.Classes))
            throw new UserErrorException(
                $"{file.FullName}: its {file.Data.Classes.Count} classes are not the {data.Classes.Count} of the config's data. Are they "
                    + "predictions of another data set?"
            );
        var scores = new ClassScores(data);
        foreach (var image in file.Images)
            scores.Add(image.Image, image.Truth, image.Load());
        return scores;
    }

    /// <summary>What is asked, with its probabilities and its answer: of each image its class, or of each class yes or no.</summary>
    /// <param name="part">Only images whose position fits.</param>
    public (IReadOnlyList<IReadOnlyList<double>> Rows, IReadOnlyList<int> Labels) Questions(bool yesOrNo, Predicate<int>? part = null)
    {
        var (rows, labels) = (new List<double[]>(), new List<int>());
        for (var i = 0; i < _images.Count; i++)
        {
            if (part?.Invoke(i) == false)
                continue;
            var (scores, truth) = _images[i];
            if (!yesOrNo)
            {
                rows.Add(scores);
                labels.Add(truth.Label!.Value);
                continue;
            }
            for (var c = 0; c < scores.Length; c++)
            {
                rows.Add([1 - scores[c], scores[c]]);
                labels.Add(IsPresent(truth, c) ? 1 : 0);
            }
        }
        return (rows, labels);
    }

    public static bool IsPresent(GroundTruth truth, int c) => truth.MultiLabel is { } labels ? labels[c] >= 0.5f : truth.Label == c;
}
