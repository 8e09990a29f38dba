using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Targets;

/// <summary>Makes targets from words, as people write them.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>a class's name ("class:NAME" where a name would mean something else): its logit; in a segmentation that of the pixels that the
/// model gives to it, in a detection that of the best object of the class;</item>
/// <item>a regression's value by its name;</item>
/// <item>"top1": the best class, the class of the most pixels, or the best object; of a classifier "top3", too;</item>
/// <item>"labels": each label that the image has, one target each; in a segmentation a class to which the model gives no pixel is explained
/// over all of them, in a detection the best object of each labelled class;</item>
/// <item>"1", "2", … of a detector: its objects, the best first.</item>
/// </list>
/// </remarks>
public static class ScoreTargets
{
    public const string Top1 = "top1",
        Labels = "labels",
        ClassPrefix = "class:";

    private const string Best = "top";

    /// <summary>The class or value that a word names, with or without <see cref="ClassPrefix"/>; -1 where it names none.</summary>
    public static int IndexOf(DataInfo info, string word)
    {
        var names = info.Classes.ToList();
        var index = names.IndexOf(word);
        return index < 0 && word.StartsWith(ClassPrefix, StringComparison.Ordinal) ? names.IndexOf(word[ClassPrefix.Length..]) : index;
    }

    /// <summary>3 for "top3"; null where a word is none of these.</summary>
    public static int? BestOf(string word) =>
        word.StartsWith(Best, StringComparison.Ordinal)
        && int.TryParse(word.AsSpan(Best.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        && count > 0
            ? count
            : null;

    /// <summary>The classes, or values, of one image that a word means.</summary>
    /// <param name="scores">Of all classes.</param>
    /// <param name="labels">Those that the image shows; asked where the word says so.</param>
    /// <exception cref="UserErrorException">It means none.</exception>
    public static IReadOnlyList<int> Classes(DataInfo info, string word, Func<IReadOnlyList<float>> scores, Func<IReadOnlyList<int>> labels)
    {
        if (IndexOf(info, word) is >= 0 and var index)
            return [index];
        var isVector = info.Task != DataTask.Regression;
        if (isVector && word == Labels)
            return labels();
        return isVector && BestOf(word) is { } count
            ? [.. scores().Index().OrderByDescending(score => score.Item).Take(count).Select(score => score.Index)]
            : throw NoName(info, word);
    }

    /// <summary>Targets for one image, of several words.</summary>
    public static IReadOnlyList<ScoreTarget> Parse(VisionModel model, DataInfo info, Batch batch, IEnumerable<string> words) =>
        [.. words.SelectMany(word => Parse(model, info, batch, word))];

    /// <summary>Targets for one image.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="info">The classes or values that the model knows.</param>
    /// <param name="batch">One image, on the model's device, with its labels where they are asked for.</param>
    /// <param name="word">See the remarks of the class.</param>
    /// <param name="labels">Classes that the image shows, in place of those of the batch.</param>
    /// <param name="notFound">Told of labels of which a detector finds no object while it finds others.</param>
    /// <exception cref="UserErrorException">The model has no such class, value or object, or the image no labels.</exception>
    public static IReadOnlyList<ScoreTarget> Parse(
        VisionModel model,
        DataInfo info,
        Batch batch,
        string word,
        IReadOnlyList<int>? labels = null,
        Action<IReadOnlyList<int>>? notFound = null
    )
    {
        if (batch.Count != 1)
            throw new ArgumentException("One image was expected.", nameof(batch));
        word = ClassNames.Normalize(word.Trim());
        return info.Task switch
        {
            DataTask.Classification or DataTask.MultiLabel or DataTask.Regression =>
            [
                .. Classes(info, word, () => Scores(model, batch.Images), Shown).Select(label => new ClassTarget([label], info.Classes)),
            ],
            DataTask.Segmentation => OfPixels(model, info, batch, word, Shown),
            DataTask.Detection => OfObjects(model, info, batch, word, Shown, notFound),
            _ => throw new UserErrorException($"There is nothing to explain in a model for {TaskNames.Of(info.Task)}."),
        };

        IReadOnlyList<int> Shown() => labels ?? Labelled(batch, info);
    }

    private static float[] Scores(VisionModel model, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        return model.Explainable().Outputs(images)[0].to(ScalarType.Float32).cpu().contiguous().Values<float>();
    }

    private static IReadOnlyList<ScoreTarget> OfPixels(
        VisionModel model,
        DataInfo info,
        Batch batch,
        string word,
        Func<IReadOnlyList<int>> labels
    )
    {
        if (IndexOf(info, word) is >= 0 and var named)
            return [PixelTarget.OfClass(model, batch.Images, [named], info.Classes)];
        if (word == Labels)
            return [.. labels().Select(label => PixelTarget.OfClass(model, batch.Images, [label], info.Classes, orAll: true))];
        if (word != Top1)
            throw NoName(info, word);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var most = PixelTarget.Present(PixelTarget.Logits(model, batch.Images).argmax(1))[0];
        return [PixelTarget.OfClass(model, batch.Images, [most], info.Classes)];
    }

    private static IReadOnlyList<ScoreTarget> OfObjects(
        VisionModel model,
        DataInfo info,
        Batch batch,
        string word,
        Func<IReadOnlyList<int>> labels,
        Action<IReadOnlyList<int>>? notFound
    )
    {
        var found = DetectionTarget.Find(model, batch)[0];
        if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var rank))
            return rank >= 1 && rank <= found.Count ? [Of(found[rank - 1])] : throw ExplanationErrors.NoObject(rank, found.Count);
        if (IndexOf(info, word) is >= 0 and var named)
            return [Of(found.FirstOrDefault(one => one.Label == named) ?? throw NoneOf(info.Classes[named]))];
        if (word == Top1)
            return found.Count > 0 ? [Of(found[0])] : throw ExplanationErrors.NoObject(1, 0);
        if (word != Labels)
            throw NoName(info, word);
        var shown = labels();
        var missing = shown.Where(label => found.All(one => one.Label != label)).ToArray();
        if (missing.Length == shown.Count)
            throw NoneOf(string.Join("\" or \"", shown.Select(label => info.Classes[label])));
        if (missing.Length > 0)
            notFound?.Invoke(missing);
        return [.. shown.Except(missing).Select(label => Of(found.First(one => one.Label == label)))];

        ScoreTarget Of(DetectedObject one) => new DetectionTarget(model, [one], info.Classes);

        UserErrorException NoneOf(string name) =>
            ExplanationErrors.NoObjectOf(name, [.. found.Select(one => info.Classes[one.Label]).Distinct()]);
    }

    private static UserErrorException NoName(DataInfo info, string word) =>
        ExplanationErrors.NoClass(
            word.StartsWith(ClassPrefix, StringComparison.Ordinal) ? word[ClassPrefix.Length..] : word,
            info.Classes,
            info.Task == DataTask.Regression ? "value" : "class"
        );

    // In the order of their indices.
    private static int[] Labelled(Batch batch, DataInfo info)
    {
        var truth = batch.Samples[0].Truth;
        int[] labels = info.Task switch
        {
            DataTask.Segmentation => batch.SegmentationMaps is { } maps ? PixelTarget.Present(maps) : [],
            DataTask.Detection => truth.Boxes?.Labels ?? [],
            _ when (batch.SoftLabels?.cpu().contiguous().Values<float>() ?? truth.MultiLabel) is { } several =>
            [
                .. several.Index().Where(entry => entry.Item >= 0.5f).Select(entry => entry.Index),
            ],
            _ when batch.Labels is { } one => [(int)one.cpu().item<long>()],
            _ => truth.Label is { } label ? [label] : [],
        };
        labels = [.. labels.Where(label => label >= 0 && label < info.Classes.Count).Distinct().Order()];
        return labels.Length > 0 ? labels : throw ExplanationErrors.NoLabels(batch.Samples[0].Name);
    }
}
