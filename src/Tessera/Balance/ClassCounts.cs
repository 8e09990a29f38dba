using Tessera.Datasets;
using Tessera.Datasets.Segmentation;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Balance;

/// <summary>How often each class occurs in a data set: images for labels, boxes for detection, pixels for segmentation. The pipeline has no
/// part in it, and no photograph is read.</summary>
/// <param name="Counts">By class.</param>
/// <param name="Unit">"images", "boxes" or "pixels".</param>
public sealed record ClassCounts(IReadOnlyList<long> Counts, string Unit)
{
    /// <summary>Counts. Crowds and difficult boxes, and pixels that are to be ignored, don't count.</summary>
    /// <exception cref="UserErrorException">The data set has no classes, or can't tell them.</exception>
    public static ClassCounts Of(Dataset dataset)
    {
        if (dataset.Info.Task == DataTask.Regression)
            throw new UserErrorException("The data is for regression: it has no classes to weigh.");
        var counts = new long[dataset.Info.Classes.Count];
        var unit = dataset.Info.Task switch
        {
            DataTask.Segmentation => "pixels",
            DataTask.Detection => "boxes",
            _ => "images",
        };
        for (var i = 0; i < dataset.Count; i++)
            Add(dataset, i, counts);
        return new ClassCounts(counts, unit);
    }

    private static void Add(Dataset dataset, int index, long[] counts)
    {
        switch (dataset.Info.Task)
        {
            case DataTask.Segmentation:
                AddPixels(dataset, index, counts);
                return;
            case DataTask.Detection:
                var boxes = dataset.Get(index).Truth.Boxes ?? new Boxes([], [], []);
                for (var i = 0; i < boxes.Count; i++)
                    if (!boxes.Ignored[i])
                        counts[boxes.Labels[i]]++;
                return;
            default:
                var labels =
                    dataset.LabelsOf(index)
                    ?? throw new UserErrorException(
                        $"{dataset.GetType().Name} can't tell its labels without reading every image, so its classes can't be counted. "
                            + $"Give class_weight as a list of numbers."
                    );
                foreach (var label in labels.Distinct())
                    counts[label]++;
                return;
        }
    }

    private static void AddPixels(Dataset dataset, int index, long[] counts)
    {
        if (dataset is ConcatDataset several)
        {
            var (part, at) = several.Find(index);
            AddPixels(part, at, counts);
        }
        else if (dataset is SegmentationDataset files)
        {
            if (files.StatisticsOf(index) is not { Problem: null } statistics)
                return; // Check says so
            var (classes, _) = statistics.CountClasses(files.Table);
            for (var c = 0; c < counts.Length; c++)
                counts[c] += classes[c];
        }
        else
        {
            var map =
                dataset.Get(index).Truth.SegmentationMap
                ?? throw new UserErrorException(
                    $"{dataset.GetType().Name} gives no label maps that can be counted. Give class_weight as a list of numbers."
                );
            foreach (var (value, pixels) in LabelHistogram.Of(map))
                if ((uint)value < (uint)counts.Length)
                    counts[value] += pixels;
        }
    }
}
