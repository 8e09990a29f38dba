using Tessera.Framework.Data;

namespace Tessera.Datasets.Splitting;

/// <summary>Reads what a split keeps in balance from a data set. Images are not read.</summary>
public static class StrataReader
{
    /// <summary>Fifths of a regression's target.</summary>
    private const int Bins = 5;

    /// <summary>COCO's bounds: areas of 32² and 96² pixels.</summary>
    private const double Small = 32 * 32,
        Large = 96 * 96;

    private static readonly string[] s_sizes = ["small", "medium", "large"];

    /// <summary>The classes that each sample shows; for regression, the fifth of all samples that each target lies in. Samples that show
    /// no class are a label of their own.</summary>
    /// <param name="folderOf">Also keep each class's folders in balance: the folder of a sample. null: don't.</param>
    /// <param name="sizes">Also keep each class's small, medium and large boxes in balance (below 32², to 96² pixels, above).</param>
    /// <exception cref="UserErrorException">The data set doesn't tell classes, or has no boxes where sizes are wanted.</exception>
    public static Strata Of(Dataset dataset, Func<int, string>? folderOf = null, bool sizes = false)
    {
        if (sizes && dataset.Info.Task != DataTask.Detection)
            throw new UserErrorException(
                $"Sizes can be kept in balance where there are boxes; the data is for {TaskNames.Of(dataset.Info.Task)}."
            );
        if (dataset.Info.Task == DataTask.Regression)
            return OfTargets(dataset);
        var labels = new IReadOnlyList<int>[dataset.Count];
        for (var i = 0; i < labels.Length; i++)
            labels[i] = LabelsOf(dataset, i);
        var table = new StrataTable(dataset.Info.Classes, labels);
        if (folderOf is not null)
            table.Refine(i => labels[i].Select(label => (label, folderOf(i))));
        if (sizes)
            table.Refine(i => SizesOf(dataset, i).Distinct());
        return table.ToStrata();
    }

    private static IReadOnlyList<int> LabelsOf(Dataset dataset, int index)
    {
        if (dataset.LabelsOf(index) is { } known)
            return [.. known.Distinct().Order()];
        var truth = dataset.Get(index).Truth;
        if (truth.Label is { } label)
            return [label];
        if (truth.MultiLabel is { } marks)
            return [.. Enumerable.Range(0, marks.Length).Where(c => marks[c] > 0.5f)];
        if (truth.Boxes is { } boxes)
            return [.. boxes.Labels.Distinct().Order()];
        throw new UserErrorException(
            $"{dataset.GetType().Name} doesn't tell which classes a sample shows, so its samples can't be spread by class."
        );
    }

    private static IEnumerable<(int Label, string Size)> SizesOf(Dataset dataset, int index)
    {
        var truth = dataset.Get(index).Truth;
        var annotation = truth.BoxAnnotation ?? (truth.Boxes is { } boxes ? BoxAnnotation.Of(boxes) : null);
        for (var i = 0; i < annotation?.Count; i++)
            yield return (
                annotation.Labels[i],
                s_sizes[
                    annotation.Areas[i] < Small ? 0
                    : annotation.Areas[i] <= Large ? 1
                    : 2
                ]
            );
    }

    private static Strata OfTargets(Dataset dataset)
    {
        var targets = Enumerable
            .Range(0, dataset.Count)
            .Select(i => dataset.Get(i).Truth.Targets ?? throw new UserErrorException($"Sample {i} has no targets."))
            .ToArray();
        var names = dataset.Info.Classes;
        var labels = targets.Select(_ => new int[names.Count]).ToArray();
        for (var target = 0; target < names.Count; target++)
        {
            var at = target;
            var order = Enumerable.Range(0, targets.Length).OrderBy(i => targets[i][at]).ToArray();
            for (var rank = 0; rank < order.Length; rank++)
                labels[order[rank]][target] = target * Bins + (int)((long)rank * Bins / order.Length);
        }
        return new Strata([.. names.SelectMany(name => Enumerable.Range(1, Bins).Select(bin => $"{name}, fifth {bin}"))], labels);
    }
}
