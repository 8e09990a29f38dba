using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tessera.Framework.Data;

namespace Tessera.Predictions;

/// <summary>A short name for what is known of a sample: two runs were measured against the same truth where all of these are
/// equal.</summary>
/// <remarks>The first 64 bits of a SHA-256 over what the task's metrics compare with: the class's name; the value of every class by name;
/// the targets; the annotated boxes with their classes' names, areas and marks, in double precision, and
/// the classes that were looked for, or not fully annotated, where the data says so; the map's size and pixels, and of
/// panoptic maps the segments' classes' names and marks. Order and
/// names of classes that a sample does not show do not change it, except of multi-label data.</remarks>
public static class TruthHash
{
    /// <summary>How many characters it has, 0 to 9 and a to f.</summary>
    public const int Length = 16;

    /// <param name="sample">As the evaluation's pipeline leaves it.</param>
    /// <param name="data">Task and class names.</param>
    public static string Of(Sample sample, DataInfo data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var truth = sample.Truth;
        Text(hash, data.Task.ToString());
        switch (data.Task)
        {
            case DataTask.Classification when truth.Label is { } label:
                Text(hash, NameOf(data, label));
                break;
            case DataTask.MultiLabel:
                for (var c = 0; truth.MultiLabel is not null && c < truth.MultiLabel.Length; c++)
                {
                    Text(hash, NameOf(data, c));
                    Number(hash, truth.MultiLabel[c]);
                }
                break;
            case DataTask.Regression:
                foreach (var target in truth.Targets ?? [])
                    Number(hash, target);
                break;
            case DataTask.Detection:
                Objects(hash, truth, data);
                break;
            case DataTask.Segmentation when truth.SegmentationMap is { } map:
                Number(hash, map.Height);
                Number(hash, map.Width);
                hash.AppendData(map.Bytes);
                break;
            case DataTask.Panoptic when truth.Panoptic is { } panoptic:
                Number(hash, panoptic.Height);
                Number(hash, panoptic.Width);
                hash.AppendData(panoptic.Map.Bytes);
                foreach (var segment in panoptic.Segments)
                {
                    Text(hash, NameOf(data, segment.Label));
                    Number(hash, segment.Crowd ? 1 : 0);
                }
                break;
            default: // nothing is known
                break;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, Length / 2));
    }

    /// <summary>One for a whole data set, whatever the order of its images.</summary>
    public static string Of(IEnumerable<(string Image, string TruthHash)> images)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (image, truth) in images.OrderBy(entry => entry.Image, StringComparer.Ordinal))
        {
            Text(hash, image);
            Text(hash, truth);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, Length / 2));
    }

    private static void Objects(IncrementalHash hash, GroundTruth truth, DataInfo data)
    {
        if (truth.BoxAnnotation?.WithUnusable() is not { } objects)
        {
            // Boxes of a data set that keeps no annotation were moved along with the image: only what they are of stays the same.
            foreach (var label in truth.Boxes?.Labels ?? [])
                Text(hash, NameOf(data, label));
            return;
        }
        for (var i = 0; i < objects.Count; i++)
        {
            Text(hash, NameOf(data, objects.Labels[i]));
            foreach (var side in objects.Boxes.AsSpan(4 * i, 4))
                Number(hash, side);
            Number(hash, objects.Areas[i]);
            Number(hash, (objects.Crowd[i] ? 1 : 0) + (objects.Ignored[i] ? 2 : 0));
        }
        Classes("verified", objects.VerifiedLabels);
        Classes("not exhaustive", objects.NotExhaustiveLabels is { Count: > 0 } labels ? labels : null);

        void Classes(string which, IReadOnlyList<int>? labels)
        {
            if (labels is null)
                return; // so that other data sets' hashes stay as they were
            Text(hash, which);
            foreach (var name in labels.Select(label => NameOf(data, label)).Order(StringComparer.Ordinal))
                Text(hash, name);
        }
    }

    private static string NameOf(DataInfo data, int label) => (uint)label < (uint)data.Classes.Count ? data.Classes[label] : $"#{label}";

    private static void Number(IncrementalHash hash, double value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        hash.AppendData(bytes);
    }

    private static void Text(IncrementalHash hash, string text)
    {
        Number(hash, text.Length); // where one ends and the next begins
        hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }
}
