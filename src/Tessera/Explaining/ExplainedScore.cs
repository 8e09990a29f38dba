using Tessera.Framework.Errors;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;

namespace Tessera.Explaining;

/// <summary>A score of one image that is explained.</summary>
/// <param name="Image">Its place in the batch.</param>
/// <param name="Name">For people.</param>
/// <param name="Score">For people: a probability, a value in its own unit; null where there is none.</param>
/// <param name="Class">Set where it is one number of a vector.</param>
/// <param name="Target">Set where it is something else.</param>
internal sealed record ExplainedScore(int Image, string Name, double? Score, int? Class, ScoreTarget? Target = null);

/// <summary>Finds what is asked for ("top1", "labels", "cat") in what was predicted for an image.</summary>
internal sealed class ExplainedScores(DataInfo data, IReadOnlyList<string> targets)
{
    private const string Labels = "labels",
        Best = "top";

    /// <summary>What can be asked of every image is.</summary>
    /// <exception cref="UserErrorException">A target is no class of the model, or has no meaning for its task.</exception>
    public void Check()
    {
        foreach (var target in targets)
        {
            if (IndexOf(target) >= 0 || target == Labels)
                continue;
            if (BestOf(target) is not { } count)
                throw ExplainingErrors.NoTarget(target, data);
            if (data.Task == DataTask.Regression)
                throw ExplainingErrors.NoBest(data);
            if (count > data.Classes.Count)
                throw ExplainingErrors.TooMany(count, data);
        }
    }

    /// <param name="image">Its place in the batch.</param>
    /// <exception cref="UserErrorException">The image hasn't what is asked for.</exception>
    public IEnumerable<ExplainedScore> Of(ExplainedImage explained, int image, Prediction prediction)
    {
        if (!prediction.OutputIsFinite)
            throw ExplainingErrors.NotFinite(explained.Name);
        var values = prediction switch
        {
            ClassPrediction classes => classes.Scores,
            RegressionPrediction numbers => numbers.Values,
            _ => throw new InvalidOperationException($"A {prediction.GetType().Name} has no scores of classes."),
        };
        return Classes(explained, values).Distinct().Select(index => new ExplainedScore(image, data.Classes[index], values[index], index));
    }

    private IEnumerable<int> Classes(ExplainedImage image, float[] values)
    {
        if (targets.Count == 0)
            return data.Task == DataTask.Regression ? Enumerable.Range(0, values.Length) : Ranked(values).Take(1);
        return targets.SelectMany(target =>
            IndexOf(target) is >= 0 and var index ? [index]
            : target == Labels ? LabelsOf(image)
            : Ranked(values).Take(BestOf(target)!.Value)
        );
    }

    private static IEnumerable<int> Ranked(float[] values) => Enumerable.Range(0, values.Length).OrderByDescending(c => values[c]);

    private static IReadOnlyList<int> LabelsOf(ExplainedImage image) =>
        image.Labels is not { } labels ? throw ExplainingErrors.NoLabels(image.Name)
        : labels.Count == 0 ? throw ExplainingErrors.LabelsNotInModel(image.Name)
        : labels;

    private int IndexOf(string name)
    {
        for (var i = 0; i < data.Classes.Count; i++)
            if (data.Classes[i] == name)
                return i;
        return -1;
    }

    private static int? BestOf(string target) =>
        target.StartsWith(Best, StringComparison.Ordinal)
        && int.TryParse(target.AsSpan(Best.Length), System.Globalization.NumberStyles.None, null, out var count)
        && count > 0
            ? count
            : null;
}
