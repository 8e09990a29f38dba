using System.Security.Cryptography;
using System.Text;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.PseudoLabels;

/// <summary>The truth of the images that pseudo labels are scored on, in the data set's classes.</summary>
internal sealed class MaskTruth
{
    private readonly Dataset _dataset;
    private readonly OutputNames _names;

    /// <param name="foreground">Names of the pseudo labels' classes.</param>
    /// <exception cref="UserErrorException">The data has no maps of classes, or other classes.</exception>
    public MaskTruth(Dataset dataset, IReadOnlyList<string> foreground, string path)
    {
        if (dataset.Info.Task != DataTask.Segmentation)
            throw new UserErrorException(
                $"{path}: pseudo labels are scored by maps of classes; this truth is for {TaskNames.Of(dataset.Info.Task)}."
            );
        (_dataset, Classes) = (dataset, dataset.Info.Classes);
        var named = ClassNames.Normalize(foreground);
        if (named.FirstOrDefault(name => !Classes.Contains(name)) is { } stranger)
            throw new UserErrorException(
                $"{path}: it has no class \"{stranger}\", which the pseudo labels have.{NearestName.Suggest(stranger, Classes)}"
            );
        var left = Classes.Where(name => !named.Contains(name)).ToArray();
        if (left.Length != 1)
            throw new UserErrorException(
                $"{path}: one class beside those of the pseudo labels was expected, their background; "
                    + (left.Length == 0 ? "there is none." : $"there are {string.Join(", ", left.Take(10))}.")
            );
        Background = Classes.ToList().IndexOf(left[0]);
        Foreground = [.. named.Select(name => Classes.ToList().IndexOf(name))];
        _names = new OutputNames([.. Enumerable.Range(0, dataset.Count).Select(i => dataset.Get(i).Name)]);
    }

    public IReadOnlyList<string> Classes { get; }

    public int Background { get; }

    /// <summary>The data set's index of each class of the pseudo labels.</summary>
    public int[] Foreground { get; }

    public int Count => _dataset.Count;

    /// <summary>An image's file below masks and scores, without ending.</summary>
    public string NameOf(int index) => _names[_dataset.Get(index).Name];

    /// <summary>Whether an image is of the second half: the lowest bit of the SHA-256 of its file's name.</summary>
    public static bool IsSecondHalf(string name) => (SHA256.HashData(Encoding.UTF8.GetBytes(name.Replace('\\', '/')))[0] & 1) == 1;

    /// <summary>The class of each pixel, -1 where it is ignored.</summary>
    public (int[] Map, int Height, int Width) Map(int index)
    {
        var sample = _dataset.Get(index);
        foreach (var step in _dataset.Pipeline)
            if (step.ReadsTruth)
                sample = step.Apply(sample, new RandomSource(0));
        if (sample.Truth.SegmentationMap is not { } map)
            throw new UserErrorException($"{sample.Name} has no segmentation map. A step LoadSegmentation in the pipeline reads it.");
        var wide = map.Type == PixelType.UInt16;
        var values = wide ? [.. map.Pixels<ushort>().ToArray().Select(Class)] : map.Bytes.Select(value => Class(value)).ToArray();
        return (values, map.Height, map.Width);

        int Class(ushort value) =>
            value < Classes.Count ? value
            : value is byte.MaxValue or ushort.MaxValue ? -1
            : throw new UserErrorException($"{sample.Name}: its truth has the value {value}; there are {Classes.Count} classes.");
    }
}
