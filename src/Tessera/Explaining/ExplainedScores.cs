using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Targets;
using static TorchSharp.torch;

namespace Tessera.Explaining;

/// <summary>Finds what is asked for ("top1", "labels", "cat") in what a model makes of an image.</summary>
internal sealed class ExplainedScores(VisionModel model, DataInfo data, IReadOnlyList<string> targets)
{
    private bool HasVector => data.Task is DataTask.Classification or DataTask.MultiLabel or DataTask.Regression;

    /// <summary>Whether what is asked for can be asked of any image.</summary>
    /// <exception cref="UserErrorException">A target is no class of the model, or has no meaning for its task.</exception>
    public void Check()
    {
        foreach (var target in targets)
        {
            if (IndexOf(target) >= 0 || target == ScoreTargets.Labels)
                continue;
            if (data.Task == DataTask.Segmentation && PhotographRegion.TryParse(target, out var region))
                _ = IndexOf(region.Class) >= 0 ? 0 : throw ExplainingErrors.NoTarget(region.Class, data);
            else if (data.Task == DataTask.Detection && int.TryParse(target, NumberStyles.None, null, out var rank) && rank > 0)
                continue;
            else if (ScoreTargets.BestOf(target) is not { } count)
                throw ExplainingErrors.NoTarget(target, data);
            else if (data.Task == DataTask.Regression)
                throw ExplainingErrors.NoBest(data);
            else if (count > (HasVector ? data.Classes.Count : 1))
                throw ExplainingErrors.TooMany(count, HasVector ? data.Classes.Count : 1, data);
        }
    }

    /// <param name="batch">On the model's device, the model in evaluation mode.</param>
    /// <param name="image">Its place in the batch.</param>
    /// <param name="partly">Told of labels of which a detector finds no object, while it finds others.</param>
    /// <exception cref="UserErrorException">The image hasn't what is asked for.</exception>
    public IReadOnlyList<ExplainedScore> Of(
        ExplainedImage explained,
        Batch batch,
        int image,
        Prediction prediction,
        Action<string>? partly = null
    )
    {
        if (!prediction.OutputIsFinite)
            throw ExplainingErrors.NotFinite(explained.Name);
        if (!HasVector)
            return [.. Parts(explained, batch, image, partly).DistinctBy(score => score.Name)];
        var values = prediction is RegressionPrediction numbers ? numbers.Values : ((ClassPrediction)prediction).Scores;
        var chosen = Classes(explained, values).Distinct();
        return [.. chosen.Select(index => new ExplainedScore(image, data.Classes[index], values[index], index))];
    }

    private IEnumerable<int> Classes(ExplainedImage image, float[] values)
    {
        if (targets.Count == 0 && data.Task == DataTask.Regression)
            return Enumerable.Range(0, values.Length);
        return Words.SelectMany(word => ScoreTargets.Classes(data, word, () => values, () => LabelsOf(image)));
    }

    private IReadOnlyList<string> Words => targets.Count == 0 ? [ScoreTargets.Top1] : targets;

    // Pixels of a segmentation, objects of a detection.
    private List<ExplainedScore> Parts(ExplainedImage explained, Batch batch, int image, Action<string>? partly)
    {
        using var scope = NewDisposeScope();
        var one = new Batch { Images = batch.Images.narrow(0, image, 1), Samples = [batch.Samples[image]] }; // freed with the scope
        var found = new List<ExplainedScore>();
        foreach (var word in Words)
        foreach (var target in Parts(explained, one, word, partly))
            found.Add(
                new ExplainedScore(
                    image,
                    target.NameOf(0),
                    target is DetectionTarget { Objects: [var only] } ? only.Score : null,
                    null,
                    target
                )
            );
        return found;
    }

    private IEnumerable<ScoreTarget> Parts(ExplainedImage explained, Batch one, string word, Action<string>? partly)
    {
        if (IndexOf(word) < 0 && PhotographRegion.TryParse(word, out var region))
            return [region.Over(model, one, IndexOf(region.Class), data.Classes)];
        var labels = word == ScoreTargets.Labels && IndexOf(word) < 0 ? LabelsOf(explained) : null;
        return ScoreTargets.Parse(model, data, one, word, labels, missing => partly?.Invoke(ExplainingErrors.NoObjectOf(missing, data)));
    }

    private static IReadOnlyList<int> LabelsOf(ExplainedImage image) =>
        image.Labels is not { } labels ? throw ExplainingErrors.NoLabels(image.Name)
        : labels.Count == 0 ? throw ExplainingErrors.LabelsNotInModel(image.Name)
        : labels;

    private int IndexOf(string name) => ScoreTargets.IndexOf(data, name);
}
