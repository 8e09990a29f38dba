using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Models;

namespace Tessera.Tools.DoubtfulLabels;

/// <summary>Gathers predictions, and finds the labels that they contradict.</summary>
internal sealed class DoubtSearch
{
    private readonly DataInfo _data;
    private readonly BoxDoubtOptions _options;
    private readonly List<(Sample Sample, Prediction Prediction)> _seen = [];

    /// <exception cref="UserErrorException">Labels of this task can't be doubted.</exception>
    public DoubtSearch(DataInfo data, BoxDoubtOptions options)
    {
        if (data.Task is not (DataTask.Classification or DataTask.MultiLabel or DataTask.Detection))
            throw new UserErrorException(
                $"The data is for {TaskNames.Of(data.Task)}; wrong labels are found for classification, multi_label and "
                    + "detection. tools/analyze-results shows the images that are predicted worst."
            );
        (_data, _options) = (data, options);
    }

    public int Count => _seen.Count;

    public void Add(Sample sample, Prediction prediction)
    {
        if (prediction is ScorePrediction)
            throw new UserErrorException(
                $"The model gives {sample.Name} a score and no classes, by which its label could be doubted. A classifier was expected."
            );
        if (prediction.OutputIsFinite)
            _seen.Add((Bare(sample), prediction));
    }

    /// <summary>The surest first.</summary>
    public IReadOnlyList<DoubtfulSample> Find()
    {
        var found = _data.Task switch
        {
            DataTask.Detection => Boxes(),
            DataTask.MultiLabel => SeveralLabels(),
            _ => OneLabel(),
        };
        return
        [
            .. found
                .GroupBy(doubt => doubt.At)
                .Select(group => new DoubtfulSample(
                    _seen[group.Key].Sample.Index,
                    _seen[group.Key].Sample.Name,
                    _seen[group.Key].Prediction,
                    [.. group.Select(doubt => doubt.Doubt).OrderByDescending(doubt => doubt.Certainty)]
                ))
                .OrderByDescending(sample => sample.Certainty)
                .ThenBy(sample => sample.Index),
        ];
    }

    /// <summary>A sample without its image, which memory has no room for.</summary>
    private static Sample Bare(Sample sample) =>
        new()
        {
            Index = sample.Index,
            Name = sample.Name,
            ImageId = sample.ImageId,
            Geometry = sample.Geometry,
            Truth = new GroundTruth
            {
                Label = sample.Truth.Label,
                MultiLabel = sample.Truth.MultiLabel,
                Boxes = sample.Truth.Boxes,
                BoxAnnotation = sample.Truth.BoxAnnotation,
            },
        };

    private IEnumerable<(int At, Doubt Doubt)> OneLabel()
    {
        int[] known = [.. Enumerable.Range(0, _seen.Count).Where(i => _seen[i].Sample.Truth.Label is not null)];
        double[][] scores = [.. known.Select(i => Scores(_seen[i].Prediction))];
        return ConfidentLearning
            .Find(scores, [.. known.Select(i => _seen[i].Sample.Truth.Label!.Value)])
            .Doubts.Select(doubt =>
                (known[doubt.Index], new Doubt("other_class", _data.Classes[doubt.Given], _data.Classes[doubt.Suggested], doubt.Margin))
            );
    }

    /// <summary>Each class for itself, yes or no.</summary>
    private IEnumerable<(int At, Doubt Doubt)> SeveralLabels()
    {
        int[] known = [.. Enumerable.Range(0, _seen.Count).Where(i => _seen[i].Sample.Truth.MultiLabel is not null)];
        for (var c = 0; c < _data.Classes.Count; c++)
        {
            double[][] scores = [.. known.Select(i => (double)Scores(_seen[i].Prediction)[c]).Select(score => new[] { 1 - score, score })];
            int[] labels = [.. known.Select(i => _seen[i].Sample.Truth.MultiLabel![c] >= 0.5f ? 1 : 0)];
            foreach (var doubt in ConfidentLearning.Find(scores, labels).Doubts)
                yield return (
                    known[doubt.Index],
                    doubt.Suggested == 1
                        ? new Doubt("present", null, _data.Classes[c], doubt.Margin)
                        : new Doubt("absent", _data.Classes[c], null, doubt.Margin)
                );
        }
    }

    private IEnumerable<(int At, Doubt Doubt)> Boxes()
    {
        for (var i = 0; i < _seen.Count; i++)
            foreach (var doubt in BoxDoubts.Find(_seen[i].Sample, _seen[i].Prediction, _data.Classes.Count, _options))
                yield return (
                    i,
                    new Doubt(
                        Framework.Components.ConfigKey.NameOf(doubt.Kind.ToString()),
                        doubt.Given is { } given ? _data.Classes[given] : null,
                        doubt.Suggested is { } suggested ? _data.Classes[suggested] : null,
                        doubt.Certainty,
                        doubt.Box
                    )
                );
    }

    private static double[] Scores(Prediction prediction) => Array.ConvertAll(((ClassPrediction)prediction).Scores, score => (double)score);
}
