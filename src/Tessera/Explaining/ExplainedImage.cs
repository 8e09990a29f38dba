using Tessera.Framework.Data;

namespace Tessera.Explaining;

/// <summary>An image that is to be explained.</summary>
/// <param name="Name">A path, or its name in the data.</param>
/// <param name="Open">The image, before any transform; called again for its picture.</param>
/// <param name="Labels">The classes that it shows, indices in the model's data; null where they are unknown.</param>
public sealed record ExplainedImage(string Name, Func<Sample> Open, IReadOnlyList<int>? Labels = null)
{
    /// <summary>An image file. Where the folder that it lies in is called as a class is, that is its label.</summary>
    /// <param name="data">The model's classes.</param>
    public static ExplainedImage File(string path, DataInfo data)
    {
        var folder = ClassNames.Normalize(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) ?? "");
        var label = data.Classes.ToList().IndexOf(folder);
        return new ExplainedImage(path, () => PredictionInput.File(0, path), label < 0 ? null : [label]);
    }

    /// <summary>A sample of a data set, with its labels.</summary>
    /// <param name="data">The model's classes; the data set's are matched to them by name.</param>
    public static ExplainedImage Of(Dataset dataset, int index, DataInfo data)
    {
        var classes = data.Classes.ToList();
        var labels = dataset.LabelsOf(index)?.Select(label => classes.IndexOf(dataset.Info.Classes[label])).Where(label => label >= 0);
        return new ExplainedImage(dataset.Get(index).Name, () => dataset.Get(index), labels is null ? null : [.. labels]);
    }

    /// <summary>The same for a model of other classes: labels are matched by name, those that it lacks left out.</summary>
    /// <param name="from">The classes that the labels are of.</param>
    /// <param name="to">The other model's.</param>
    public ExplainedImage For(DataInfo from, DataInfo to)
    {
        if (ReferenceEquals(from, to) || Labels is null)
            return this;
        var classes = to.Classes.ToList();
        return this with { Labels = [.. Labels.Select(label => classes.IndexOf(from.Classes[label])).Where(label => label >= 0)] };
    }

    /// <summary>An image in memory (RGB).</summary>
    public static ExplainedImage InMemory(Image image, string name = "image") => new(name, () => PredictionInput.InMemory(0, image));
}
