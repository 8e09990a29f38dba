using System.Security.Cryptography;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera;

/// <summary>Labels that are trained on and are the truth of the evaluation.</summary>
internal static class TruthOverlap
{
    private const int MostCompared = 200;

    /// <summary>
    /// Looks at up to 200 images of the evaluation, evenly spread, that are trained on under the same file name: whether photographs and
    /// label files are the same, byte for byte.
    /// </summary>
    /// <param name="path">Of the evaluation's data in the config.</param>
    /// <param name="warn">Told where both parts are the same data, which is how a model is overfitted on purpose, and of copies: images
    /// that lie in another folder of train.</param>
    /// <exception cref="UserErrorException">Photographs of the evaluation are trained on with the truth, which is what comes of pseudo
    /// labels that are a copy of it, and the parts are not the same data.</exception>
    public static void Refuse(Dataset train, Dataset evaluation, string path, Action<string> warn)
    {
        if (!HasFiles(train) || !HasFiles(evaluation))
            return;
        var trained = new Dictionary<string, int>();
        for (var i = 0; i < train.Count; i++)
            if (train.Get(i) is { SegmentationFile.Read: not null, ReadFile: not null } sample)
                trained.TryAdd(NameOf(sample), i);
        var shared = Enumerable
            .Range(0, trained.Count > 0 ? evaluation.Count : 0)
            .Select(evaluation.Get)
            .Where(sample => sample is { SegmentationFile.Read: not null, ReadFile: not null } && trained.ContainsKey(NameOf(sample)))
            .ToArray();
        var compared = Math.Min(shared.Length, MostCompared);
        var same = new List<(Sample Trained, Sample Evaluated)>();
        for (var n = 0; n < compared; n++)
        {
            var evaluated = shared[(int)((long)n * shared.Length / compared)];
            var sample = train.Get(trained[NameOf(evaluated)]);
            if (AreSame(sample, evaluated))
                same.Add((sample, evaluated));
        }
        if (same.Count == 0)
            return;
        if (train.Count == evaluation.Count && same.Count == compared && same.TrueForAll(AreOneFile))
        {
            warn($"{path}: these are the images and labels that are trained on, so what is measured is how well they are remembered.");
            return;
        }
        var (first, other) = same.FirstOrDefault(pair => pair.Trained.Name == pair.Evaluated.Name, same[0]);
        var what =
            $"{path}: {same.Count} of its {compared} images that were compared are trained on with the very labels that they are evaluated "
            + "by";
        var example =
            $"For example {first.SegmentationFile!.Name} (train) and {other.SegmentationFile!.Name}, of the same photograph, are the same, "
            + "byte for byte.";
        var compares = $"(Compared: images of the same file name, up to {MostCompared}.)";
        if (first.Name != other.Name)
            warn($"{what}, as copies, so that the result looks better than it is. {example} Give the parts different images. {compares}");
        else
            throw new UserErrorException(
                $"{what}, so that the result would say nothing. {example} Where train.dataset is to have pseudo labels, its label folder "
                    + $"is that of the truth or a copy of it; otherwise give the parts different images. {compares}"
            );
    }

    // Data that is drawn or stored in memory has no labels that could be a copy.
    private static bool HasFiles(Dataset dataset) =>
        dataset.Info.Task == DataTask.Segmentation && dataset.Count > 0 && dataset.Get(0).SegmentationFile is not null;

    private static bool AreOneFile((Sample Trained, Sample Evaluated) pair) =>
        pair.Trained.Name == pair.Evaluated.Name && pair.Trained.SegmentationFile!.Name == pair.Evaluated.SegmentationFile!.Name;

    private static string NameOf(Sample sample) => System.IO.Path.GetFileNameWithoutExtension(sample.Name);

    // Files are compared by their names, then labels by length and hash, then photographs.
    private static bool AreSame(Sample one, Sample other)
    {
        var (labels, others) = (one.SegmentationFile!, other.SegmentationFile!);
        return (labels.Name == others.Name || Same(labels.Read!(), others.Read!()))
            && (one.Name == other.Name || Same(one.ReadFile!(), other.ReadFile!()));
    }

    private static bool Same(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other) =>
        one.Length == other.Length && SHA256.HashData(one.Span).AsSpan().SequenceEqual(SHA256.HashData(other.Span));
}
