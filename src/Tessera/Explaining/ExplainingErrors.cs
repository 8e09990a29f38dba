using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Explaining;

/// <summary>The words of what can't be explained.</summary>
internal static class ExplainingErrors
{
    private const int MostNames = 12;

    public static UserErrorException NotExplainable(string checkpoint, VisionModel model) =>
        new(
            $"{checkpoint}: its model, {model.GetName()}, can't be explained: it does not say what it decides by (IExplainable). "
                + "ImageClassifier, ImageRegressor, Segmentor and Detector do, and so do Detr, RtDetr, Eomt, NtsNet, Mctformer and Toco."
        );

    public static UserErrorException NoTarget(string asked, DataInfo data) =>
        new(
            $"There is no {Kind(data)} \"{asked}\" that could be explained.{NearestName.Suggest(asked, data.Classes)} The model has "
                + $"{Names(data.Classes)}."
        );

    public static UserErrorException NoLayer(string name, VisionModel model) =>
        new(
            $"{model.GetName()} has no layer \"{name}\"."
                + NearestName.Suggest(name, model.named_modules().Select(entry => entry.name).Where(known => known.Length > 0))
                + " Without a name the layer is found."
        );

    public static UserErrorException NoLabels(string image) =>
        new(
            $"{image}: its labels are unknown. They are taken from the data where a part of the config is explained (train, val or test), "
                + "otherwise from the name of the folder that an image lies in, where a class is called so."
        );

    public static UserErrorException LabelsNotInModel(string image) => new($"{image}: none of its labels is a class of the model.");

    public static UserErrorException NoBest(DataInfo data) =>
        new($"A regression has no best value. Name those to be explained: {Names(data.Classes)}.");

    public static UserErrorException NotFinite(string image) =>
        new($"{image}: the network's output is not finite, so that there is nothing to explain.");

    public static UserErrorException TooMany(int asked, int most, DataInfo data) =>
        new(
            data.Task == DataTask.Segmentation
                ? $"\"top{asked}\": of a segmentation the class of the most pixels is explained: top1, or classes."
            : data.Task == DataTask.Detection
                ? $"\"top{asked}\": of a detection the best object is explained: top1, or 1, 2, 3 …, or classes."
            : $"The best {asked} classes are asked for; the model has {most}."
        );

    public static string NoObjectOf(IReadOnlyList<int> labels, DataInfo data) =>
        $"of its labels the detector finds no {Names([.. labels.Select(label => data.Classes[label])])}.";

    private static string Kind(DataInfo data) => data.Task == DataTask.Regression ? "value" : "class";

    private static string Names(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(MostNames)) + (names.Count > MostNames ? $" and {names.Count - MostNames} more" : "");
}
