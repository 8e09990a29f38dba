using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <summary>Which classes each sample of a data set shows, and how many samples show each class. No image is read for it.</summary>
internal sealed class SampleClasses
{
    private readonly Dataset _dataset;

    private SampleClasses(Dataset dataset, IReadOnlyList<int>[] labels)
    {
        (_dataset, Labels) = (dataset, labels);
        Samples = new int[dataset.Info.Classes.Count];
        foreach (var of in labels)
        foreach (var label in of)
            Samples[label]++;
    }

    /// <summary>For each sample its classes, each once; empty where it shows none.</summary>
    public IReadOnlyList<int>[] Labels { get; }

    /// <summary>For each class the samples that show it.</summary>
    public int[] Samples { get; }

    /// <param name="known">What was read before; used again where it is of the same data set.</param>
    /// <param name="sampler">Its name, for the message.</param>
    /// <exception cref="UserErrorException">The data set can't tell classes without reading images.</exception>
    public static SampleClasses Of(Dataset dataset, SampleClasses? known, string sampler)
    {
        if (known is not null && ReferenceEquals(known._dataset, dataset))
            return known;
        var labels = new IReadOnlyList<int>[dataset.Count];
        for (var i = 0; i < labels.Length; i++)
        {
            var of =
                dataset.LabelsOf(i)
                ?? throw new UserErrorException(
                    $"{sampler} needs labels, and {dataset.GetType().Name} can't tell them without reading every image."
                );
            labels[i] = of.Count > 1 ? [.. of.Distinct()] : of;
        }
        return new SampleClasses(dataset, labels);
    }

    /// <summary>The share of samples that show the class.</summary>
    public double Share(int label) => (double)Samples[label] / Labels.Length;

    /// <summary>The class of a sample that fewest samples show, the first of several; -1 where it shows none.</summary>
    public int Rarest(int sample)
    {
        var rarest = -1;
        foreach (var label in Labels[sample])
            if (rarest < 0 || Samples[label] < Samples[rarest] || (Samples[label] == Samples[rarest] && label < rarest))
                rarest = label;
        return rarest;
    }
}
