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
/// <item>"top1": the best class, the class of the most pixels, or the best object;</item>
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

    /// <summary>Targets for one image, of several words.</summary>
    public static IReadOnlyList<ScoreTarget> Parse(VisionModel model, DataInfo info, Batch batch, IEnumerable<string> words) =>
        [.. words.SelectMany(word => Parse(model, info, batch, word))];

    /// <summary>Targets for one image.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="info">The classes or values that the model knows.</param>
    /// <param name="batch">One image, on the model's device, with its labels where they are asked for.</param>
    /// <param name="word">See the remarks of the class.</param>
    /// <exception cref="UserErrorException">The model has no such class, value or object, or the image no labels.</exception>
    public static IReadOnlyList<ScoreTarget> Parse(VisionModel model, DataInfo info, Batch batch, string word)
    {
        if (batch.Count != 1)
            throw new ArgumentException("One image was expected.", nameof(batch));
        word = ClassNames.Normalize(word.Trim());
        return info.Task switch
        {
            DataTask.Classification or DataTask.MultiLabel => OfClasses(model, info, batch, word),
            DataTask.Regression => [new ClassTarget([IndexOf(info, word, "value")], info.Classes)],
            DataTask.Segmentation => OfPixels(model, info, batch, word),
            DataTask.Detection => OfObjects(model, info, batch, word),
            _ => throw new UserErrorException($"There is nothing to explain in a model for {info.Task}."),
        };
    }

    /// <summary>The best class of each image.</summary>
    /// <param name="images">[B, C, H, W] on the model's device.</param>
    public static ClassTarget Best(VisionModel model, DataInfo info, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var outputs = model.Explainable().Outputs(images);
        var best = outputs[0].argmax(1).cpu().contiguous().Values<long>();
        return new ClassTarget(Array.ConvertAll(best, label => (int)label), info.Classes);
    }

    private static IReadOnlyList<ScoreTarget> OfClasses(VisionModel model, DataInfo info, Batch batch, string word)
    {
        if (info.Classes.Contains(word) || word is not (Top1 or Labels))
            return [new ClassTarget([IndexOf(info, word, "class")], info.Classes)];
        return word == Top1
            ? [Best(model, info, batch.Images)]
            : [.. Labelled(batch, info).Select(label => new ClassTarget([label], info.Classes))];
    }

    private static IReadOnlyList<ScoreTarget> OfPixels(VisionModel model, DataInfo info, Batch batch, string word)
    {
        if (info.Classes.Contains(word) || word is not (Top1 or Labels))
            return [PixelTarget.OfClass(model, batch.Images, [IndexOf(info, word, "class")], info.Classes)];
        if (word == Labels)
            return [.. Labelled(batch, info).Select(label => PixelTarget.OfClass(model, batch.Images, [label], info.Classes, orAll: true))];
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var most = PixelTarget.Present(PixelTarget.Logits(model, batch.Images).argmax(1))[0];
        return [PixelTarget.OfClass(model, batch.Images, [most], info.Classes)];
    }

    private static IReadOnlyList<ScoreTarget> OfObjects(VisionModel model, DataInfo info, Batch batch, string word)
    {
        var found = DetectionTarget.Find(model, batch)[0];
        if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var rank))
            return rank >= 1 && rank <= found.Count ? [Of(found[rank - 1])] : throw ExplanationErrors.NoObject(rank, found.Count);
        if (info.Classes.Contains(word) || word is not (Top1 or Labels))
        {
            var wanted = IndexOf(info, word, "class");
            return [Of(found.FirstOrDefault(one => one.Label == wanted) ?? throw NoneOf(info.Classes[wanted]))];
        }
        if (word == Top1)
            return found.Count > 0 ? [Of(found[0])] : throw ExplanationErrors.NoObject(1, 0);
        var labels = Labelled(batch, info);
        var best = labels.Select(label => found.FirstOrDefault(one => one.Label == label)).OfType<DetectedObject>().ToArray();
        return best.Length > 0 ? [.. best.Select(Of)] : throw NoneOf(string.Join("\" or \"", labels.Select(label => info.Classes[label])));

        ScoreTarget Of(DetectedObject one) => new DetectionTarget(model, [one], info.Classes);

        UserErrorException NoneOf(string name) =>
            ExplanationErrors.NoObjectOf(name, [.. found.Select(one => info.Classes[one.Label]).Distinct()]);
    }

    private static int IndexOf(DataInfo info, string word, string kind)
    {
        var name =
            !info.Classes.Contains(word) && word.StartsWith(ClassPrefix, StringComparison.Ordinal) ? word[ClassPrefix.Length..] : word;
        for (var i = 0; i < info.Classes.Count; i++)
            if (info.Classes[i] == name)
                return i;
        throw ExplanationErrors.NoClass(name, info.Classes, kind);
    }

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
