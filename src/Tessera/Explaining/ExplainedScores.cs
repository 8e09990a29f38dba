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
    private const string Best = "top";

    private bool HasVector => data.Task is DataTask.Classification or DataTask.MultiLabel or DataTask.Regression;

    /// <summary>Whether what is asked for can be asked of any image.</summary>
    /// <exception cref="UserErrorException">A target is no class of the model, or has no meaning for its task.</exception>
    public void Check()
    {
        foreach (var target in targets)
        {
            if (IndexOf(target) >= 0 || target == ScoreTargets.Labels)
                continue;
            if (data.Task == DataTask.Segmentation && Region.TryParse(target, out var region))
                _ = IndexOf(region.Class) >= 0 ? 0 : throw ExplainingErrors.NoTarget(region.Class, data);
            else if (data.Task == DataTask.Detection && int.TryParse(target, NumberStyles.None, null, out var rank) && rank > 0)
                continue;
            else if (BestOf(target) is not { } count)
                throw ExplainingErrors.NoTarget(target, data);
            else if (data.Task == DataTask.Regression)
                throw ExplainingErrors.NoBest(data);
            else if (count > (HasVector ? data.Classes.Count : 1))
                throw ExplainingErrors.TooMany(count, HasVector ? data.Classes.Count : 1, data);
        }
    }

    /// <param name="batch">On the model's device, the model in evaluation mode.</param>
    /// <param name="image">Its place in the batch.</param>
    /// <exception cref="UserErrorException">The image hasn't what is asked for.</exception>
    public IReadOnlyList<ExplainedScore> Of(ExplainedImage explained, Batch batch, int image, Prediction prediction)
    {
        if (!prediction.OutputIsFinite)
            throw ExplainingErrors.NotFinite(explained.Name);
        if (!HasVector)
            return [.. Parts(explained, batch, image).DistinctBy(score => score.Name)];
        var values = prediction is RegressionPrediction numbers ? numbers.Values : ((ClassPrediction)prediction).Scores;
        var chosen = Classes(explained, values).Distinct();
        return [.. chosen.Select(index => new ExplainedScore(image, data.Classes[index], values[index], index))];
    }

    private IEnumerable<int> Classes(ExplainedImage image, float[] values)
    {
        if (targets.Count == 0)
            return data.Task == DataTask.Regression ? Enumerable.Range(0, values.Length) : Ranked(values).Take(1);
        return targets.SelectMany(target =>
            IndexOf(target) is >= 0 and var index ? [index]
            : target == ScoreTargets.Labels ? LabelsOf(image)
            : Ranked(values).Take(BestOf(target)!.Value)
        );
    }

    // Pixels of a segmentation, objects of a detection.
    private List<ExplainedScore> Parts(ExplainedImage explained, Batch batch, int image)
    {
        using var scope = NewDisposeScope();
        var one = new Batch { Images = batch.Images.narrow(0, image, 1), Samples = [batch.Samples[image]] }; // freed with the scope
        var found = new List<ExplainedScore>();
        foreach (var word in targets.Count == 0 ? [ScoreTargets.Top1] : targets)
        foreach (var target in Parts(explained, one, word))
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

    private IEnumerable<ScoreTarget> Parts(ExplainedImage explained, Batch one, string word)
    {
        if (IndexOf(word) < 0 && Region.TryParse(word, out var region))
            return [region.Over(model, one, IndexOf(region.Class), data.Classes)];
        if (IndexOf(word) >= 0 || word != ScoreTargets.Labels)
            return ScoreTargets.Parse(model, data, one, word);
        var labels = LabelsOf(explained);
        if (data.Task == DataTask.Segmentation)
            return labels.Select(label => PixelTarget.OfClass(model, one.Images, [label], data.Classes, orAll: true));
        var found = DetectionTarget.Find(model, one)[0];
        return labels
            .Where(label => found.Any(seen => seen.Label == label))
            .Select(label => ScoreTargets.Parse(model, data, one, ScoreTargets.ClassPrefix + data.Classes[label])[0])
            .DefaultIfEmpty(null)
            .Select(target => target ?? throw ExplainingErrors.LabelsNotFound(explained.Name, [.. labels.Select(l => data.Classes[l])]));
    }

    private static IEnumerable<int> Ranked(float[] values) => Enumerable.Range(0, values.Length).OrderByDescending(c => values[c]);

    private static IReadOnlyList<int> LabelsOf(ExplainedImage image) =>
        image.Labels is not { } labels ? throw ExplainingErrors.NoLabels(image.Name)
        : labels.Count == 0 ? throw ExplainingErrors.LabelsNotInModel(image.Name)
        : labels;

    private int IndexOf(string name)
    {
        var classes = data.Classes.ToList();
        var index = classes.IndexOf(name);
        return index < 0 && name.StartsWith(ScoreTargets.ClassPrefix, StringComparison.Ordinal)
            ? classes.IndexOf(name[ScoreTargets.ClassPrefix.Length..])
            : index;
    }

    private static int? BestOf(string target) =>
        target.StartsWith(Best, StringComparison.Ordinal)
        && int.TryParse(target.AsSpan(Best.Length), NumberStyles.None, null, out var count)
        && count > 0
            ? count
            : null;

    /// <summary>"road@10:20:90:120": a class, over a rectangle of the photograph.</summary>
    private readonly record struct Region(string Class, int[] Corners)
    {
        public static bool TryParse(string text, out Region region)
        {
            var at = text.LastIndexOf('@');
            var parts = at < 0 ? [] : text[(at + 1)..].Split(':');
            var corners = parts.Select(part => int.TryParse(part, NumberStyles.None, null, out var value) ? value : -1).ToArray();
            region = new Region(at < 0 ? "" : text[..at], corners);
            return corners.Length == 4 && corners.All(corner => corner >= 0);
        }

        public PixelTarget Over(VisionModel model, Batch one, int label, IReadOnlyList<string> names)
        {
            var transform = one.Samples[0].Geometry?.Transform ?? System.Numerics.Matrix3x2.Identity;
            var first = System.Numerics.Vector2.Transform(new(Corners[0], Corners[1]), transform);
            var last = System.Numerics.Vector2.Transform(new(Corners[2], Corners[3]), transform);
            var (height, width) = ((int)one.Images.shape[2], (int)one.Images.shape[3]);
            var region = PixelTarget.Rectangle(
                height,
                width,
                ((int)MathF.Round(first.X), (int)MathF.Round(first.Y), (int)MathF.Round(last.X), (int)MathF.Round(last.Y))
            );
            return PixelTarget.OfRegion(model, one.Images, [label], names, region);
        }
    }
}
