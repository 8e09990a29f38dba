using Tessera.Datasets.Segmentation;
using Tessera.Framework.Data;

namespace Tessera.Datasets;

/// <param name="Background">The class of a segmentation that is no label; "" where every class is one. It need not be there.</param>
public sealed record ImageLabelsOptions(string Background = "background");

/// <summary>Another data set's images with what they show for labels: every class that an image has boxes or pixels of. For several
/// labels an image, and for segmentation that is learnt from them.</summary>
/// <remarks>A segmentation's maps can still be loaded; boxes are left out. The first look at a segmentation reads all its label files. The
/// pipeline stands here, not in the part.</remarks>
[Component("ImageLabels")]
public sealed class ImageLabels : Dataset
{
    private readonly Dataset _dataset;
    private readonly int _background;

    /// <param name="dataset">With class labels, boxes or segmentation maps.</param>
    public ImageLabels(ImageLabelsOptions options, Dataset dataset)
    {
        var info = dataset.Info;
        if (info.Task is DataTask.Regression)
            throw new UserErrorException("ImageLabels: a data set for regression has no classes to label images by.");
        if (dataset.Pipeline.Count > 0)
            throw new UserErrorException("ImageLabels: the pipeline belongs to it, not to its dataset.");
        _dataset = dataset;
        _background = info.Task == DataTask.Segmentation ? info.Classes.ToList().IndexOf(options.Background) : -1;
        Info = new DataInfo([.. info.Classes.Where((_, i) => i != _background)], DataTask.MultiLabel)
        {
            Palette = info.Palette is { } palette ? [.. palette.Where((_, i) => i != _background)] : null,
        };
    }

    public override int Count => _dataset.Count;

    public override DataInfo Info { get; }

    public override IReadOnlyList<LeftOut> LeftOut => _dataset.LeftOut;

    /// <exception cref="UserErrorException">The sample's label file is missing or broken.</exception>
    public override Sample Get(int index)
    {
        var sample = _dataset.Get(index);
        var labels = new float[Info.Classes.Count];
        foreach (var label in LabelsOf(index)!)
            labels[label] = 1;
        sample.Truth.MultiLabel = labels;
        (sample.Truth.Label, sample.Truth.Boxes, sample.Truth.BoxAnnotation) = (null, null, null);
        return sample;
    }

    /// <exception cref="UserErrorException">The sample's label file is missing or broken, or the data set can't tell classes.</exception>
    public override IReadOnlyList<int>? LabelsOf(int index)
    {
        RequireReadable(index);
        var labels =
            _dataset.LabelsOf(index)
            ?? throw new UserErrorException($"ImageLabels: {_dataset.GetType().Name} doesn't tell which classes an image shows.");
        return
        [
            .. labels.Where(label => label != _background).Select(label => label > _background && _background >= 0 ? label - 1 : label),
        ];
    }

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        _dataset.Pipeline = Pipeline;
        return _dataset.Check(advance);
    }

    public override string? ListNameOf(int index) => _dataset.ListNameOf(index);

    public override (Dataset Dataset, int Index) OriginOf(int index) => _dataset.OriginOf(index);

    private void RequireReadable(int index)
    {
        var (part, at) = _dataset.OriginOf(index);
        if (part is not SegmentationDataset maps)
            return;
        var statistics = maps.StatisticsOf(at);
        if (statistics is not { Problem: null })
            throw new UserErrorException(
                statistics?.Problem ?? $"{maps.Get(at).SegmentationFile?.Name} doesn't exist: it is the label file of {maps.Get(at).Name}."
            );
    }
}
