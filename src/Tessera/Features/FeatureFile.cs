using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>
/// What a frozen network makes of each sample of a data set, in a safetensors file: <c>features</c>, [N, D]; <c>labels</c>, [N] int64, or
/// <c>targets</c>, [N, classes] float32; <c>names</c>, a JSON array as bytes. Its metadata says what it was made of.
/// </summary>
public sealed class FeatureFile : IDisposable
{
    private const string InfoKey = "tessera.features",
        FeaturesKey = "features",
        LabelsKey = "labels",
        TargetsKey = "targets",
        NamesKey = "names";

    private FeatureFile(string path, FeatureInfo info, Tensor features, long[]? labels, float[]? targets, string[] names) =>
        (Path, Info, Features, Labels, Targets, Names) = (path, info, features, labels, targets, names);

    public string Path { get; }

    public FeatureInfo Info { get; }

    /// <summary>[N, D], float32.</summary>
    public Tensor Features { get; }

    /// <summary>[N], of a classification.</summary>
    public IReadOnlyList<long>? Labels { get; }

    /// <summary>[N · classes], of other tasks.</summary>
    public IReadOnlyList<float>? Targets { get; }

    /// <summary>The samples' names.</summary>
    public IReadOnlyList<string> Names { get; }

    public int Count => Names.Count;

    /// <summary>Numbers of a sample.</summary>
    public int Width => (int)Features.shape[1];

    /// <summary>Reads a file that <see cref="FeatureExtraction"/> wrote.</summary>
    /// <exception cref="UserErrorException">It is no such file, or is damaged.</exception>
    public static FeatureFile Open(string path)
    {
        using var file = WeightsFile.Open(path);
        if (!file.Metadata.TryGetValue(InfoKey, out var json))
            throw Bad(path, "it is no file of features. tools/extract-features writes one.");
        if (FeatureInfo.Parse(json) is not { IsWhole: true } info)
            throw Bad(path, $"what it says of itself can't be read here (form {FeatureInfo.Current} was expected). Make it again.");
        if (
            !file.Tensors.TryGetValue(FeaturesKey, out var features)
            || features.Shape.Count != 2
            || features.Shape.Any(size => size is < 1 or > int.MaxValue)
        )
            throw Bad(path, "it has no tensor \"features\" of two dimensions.");
        var count = (int)features.Shape[0];
        var labeled = info.Task == DataTask.Classification;
        Require(path, file, labeled ? LabelsKey : TargetsKey, labeled ? [count] : [count, info.Classes.Count]);
        var names = ReadNames(path, file, count);
        using var scope = NewDisposeScope();
        var labels = labeled ? file.Read(LabelsKey).to(ScalarType.Int64).Values<long>() : null;
        if (labels?.Any(label => label < 0 || label >= info.Classes.Count) == true)
            throw Bad(path, "a label is none of its classes.");
        return new FeatureFile(
            path,
            info,
            file.Read(FeaturesKey).to(ScalarType.Float32).DetachFromDisposeScope(),
            labels,
            labeled ? null : file.Read(TargetsKey).to(ScalarType.Float32).Values<float>(),
            names
        );
    }

    /// <summary>Refuses files that are to be used together but were made by different networks or transforms, or are of different
    /// classes.</summary>
    /// <exception cref="UserErrorException">Everything that differs.</exception>
    public void RequireAlike(FeatureFile other) => StaleFeatures.RequireAlike(this, other);

    /// <summary>Writes the whole file or nothing.</summary>
    /// <param name="features">[N, D].</param>
    /// <param name="truth">[N] int64 of a classification, [N, classes] float32 of other tasks.</param>
    internal static void Write(string path, FeatureInfo info, Tensor features, Tensor truth, IReadOnlyList<string> names)
    {
        using var scope = NewDisposeScope();
        TensorFile.Write(
            path,
            new Dictionary<string, Tensor>
            {
                [FeaturesKey] = features,
                [info.Task == DataTask.Classification ? LabelsKey : TargetsKey] = truth,
                [NamesKey] = tensor(JsonSerializer.SerializeToUtf8Bytes(names)),
            },
            new Dictionary<string, string> { [InfoKey] = info.ToJson() }
        );
    }

    public void Dispose() => Features.Dispose();

    private static void Require(string path, WeightsFile file, string name, long[] shape)
    {
        if (!file.Tensors.TryGetValue(name, out var found) || !found.Shape.SequenceEqual(shape))
            throw Bad(path, $"its tensor \"{name}\" isn't there, or isn't [{string.Join(", ", shape)}].");
    }

    private static string[] ReadNames(string path, WeightsFile file, int count)
    {
        if (!file.Tensors.TryGetValue(NamesKey, out var found) || found.Shape.Count != 1)
            throw Bad(path, "its tensor \"names\" isn't there.");
        try
        {
            if (
                JsonSerializer.Deserialize<string[]>(file.ReadBytes(NamesKey)) is { } names
                && names.Length == count
                && !names.Contains(null)
            )
                return names;
        }
        catch (JsonException)
        {
            // told below
        }
        throw Bad(path, $"its names are not those of {count} samples.");
    }

    private static UserErrorException Bad(string path, string what) => new($"{path}: {what}");
}
