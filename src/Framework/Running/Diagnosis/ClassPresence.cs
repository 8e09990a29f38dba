using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>How many samples of a data set show each class, by its annotations alone.</summary>
public sealed class ClassPresence
{
    private const int MostRead = 100_000,
        MostNamed = 12;

    private readonly DataInfo _info;

    private ClassPresence(DataInfo info, long[] samples, int labelled, bool complete) =>
        (_info, Samples, Labelled, IsComplete) = (info, samples, labelled, complete);

    /// <summary>Samples with each class; the first 100,000 are looked at.</summary>
    public IReadOnlyList<long> Samples { get; }

    /// <summary>Samples whose classes are known without reading an image.</summary>
    public int Labelled { get; }

    /// <summary>Whether all samples were looked at, and are labelled.</summary>
    public bool IsComplete { get; }

    /// <summary>Counts.</summary>
    /// <exception cref="UserErrorException">A label is no class.</exception>
    public static ClassPresence Of(Dataset data)
    {
        var counts = new long[data.Info.Classes.Count];
        var (labelled, looked) = (0, Math.Min(data.Count, MostRead));
        for (var i = 0; i < looked && data.Info.Task != DataTask.Regression; i++)
        {
            if (data.LabelsOf(i) is not { } labels)
                continue;
            labelled++;
            foreach (var label in labels)
            {
                if (label < 0 || label >= counts.Length)
                {
                    throw new UserErrorException(
                        $"{data.Get(i).Name} is labelled {label}; {Truth.Range(counts.Length)}."
                            + (label == counts.Length ? " Do the labels count from 1?" : "")
                    );
                }
                counts[label]++;
            }
        }
        return new ClassPresence(data.Info, counts, labelled, looked == data.Count && labelled == data.Count);
    }

    /// <summary>Which classes have no sample; null where all have one, or that isn't known.</summary>
    /// <param name="training">The data is learned from, not measured on.</param>
    public string? Absent(bool training)
    {
        if (!IsComplete || Labelled == 0)
            return null;
        var absent = Enumerable.Range(0, Samples.Count).Where(c => Samples[c] == 0).ToArray();
        if (absent.Length == 0 || (absent.Length == Samples.Count && _info.Task == DataTask.Detection))
            return null; // no box at all: the data says so
        var names =
            string.Join(", ", absent.Take(MostNamed).Select(c => $"\"{_info.Classes[c]}\"")) + (absent.Length > MostNamed ? ", …" : "");
        var text =
            absent.Length == Samples.Count
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"no sample has a label of any of the {Samples.Count} classes ({names}); there is nothing to "
                        + $"{(training ? "learn" : "measure")}."
                )
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{absent.Length} of {Samples.Count} classes {(absent.Length == 1 ? "has" : "have")} no sample: {names}. "
                        + $"{(training ? "What isn't there can't be learned." : "Nothing is measured of what isn't there.")}"
                );
        return absent is [0] && Samples.Count > 1 ? text + " If the labels count from 1, all of them are one too high." : text;
    }
}
