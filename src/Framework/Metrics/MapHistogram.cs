using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>How often each pair of true and predicted class stands at the same pixel of an image.</summary>
internal sealed class MapHistogram
{
    private const int Byte = 256;

    private readonly long[] _bytes = new long[Byte * Byte]; // [truth, prediction], every value that a byte can have
    private readonly Dictionary<(int Truth, int Predicted), long> _pairs = [];

    /// <summary>Pairs that occur, without the pixels that the truth ignores. Rows of one truth follow one another.</summary>
    /// <exception cref="UserErrorException">The prediction is no map, one of the maps has a value that is no class, or their sizes
    /// differ.</exception>
    public IReadOnlyList<(int Truth, int Predicted, long Pixels)> Count(Prediction prediction, Sample sample, int classes)
    {
        if (prediction is not SegmentationPrediction { Map: var predicted })
            throw new UserErrorException($"The model predicts no segmentation map for {sample.Name}; the metric compares maps.");
        if (sample.Truth.SegmentationMap is not { } truth)
            throw new UserErrorException(
                $"{sample.Name} has no segmentation map, which the metric compares with. A step LoadSegmentation in the pipeline reads it."
            );
        RequireMap(truth, sample, "segmentation map");
        RequireMap(predicted, sample, "prediction");
        if ((truth.Height, truth.Width) != (predicted.Height, predicted.Width))
        {
            throw new UserErrorException(
                $"{sample.Name}: its segmentation map is {truth.Width} x {truth.Height}, the prediction {predicted.Width} x "
                    + $"{predicted.Height}. "
                    + "A label image has the size of its photograph, and in a pipeline for evaluation LoadSegmentation stands after "
                    + "the steps that resize."
            );
        }
        var counts =
            truth.Type == PixelType.UInt8 && predicted.Type == PixelType.UInt8
                ? OfBytes(truth.Bytes, predicted.Bytes)
                : OfWords(truth, predicted);
        Require(counts, sample, classes);
        // In maps of 16 bits, too, 255 is "ignore" unless it is a class.
        counts.RemoveAll(entry => entry.Truth == ushort.MaxValue || (entry.Truth == byte.MaxValue && classes <= byte.MaxValue));
        return counts;
    }

    private static void RequireMap(Image map, Sample sample, string what)
    {
        if (map.Channels != 1 || map.Type == PixelType.Float32)
            throw new UserErrorException(
                $"{sample.Name}: its {what} has {map.Channels} channels of {map.Type}; one of UInt8 or UInt16 was expected."
            );
    }

    private static void Require(List<(int Truth, int Predicted, long Pixels)> counts, Sample sample, int classes)
    {
        foreach (var (truth, predicted, _) in counts)
        {
            if (truth >= classes && truth is not byte.MaxValue and not ushort.MaxValue)
            {
                var pixels = counts.Where(entry => entry.Truth == truth).Sum(entry => entry.Pixels);
                throw new UserErrorException(
                    $"{sample.Name}: {pixels} pixels of its segmentation map have the value {truth}; {Truth.Range(classes)}, "
                        + $"and 255 is ignored. The data set's label_map says what a value stands for."
                );
            }
            if (predicted >= classes)
                throw new UserErrorException($"{sample.Name}: the model predicts class {predicted}; {Truth.Range(classes)}.");
        }
    }

    private List<(int Truth, int Predicted, long Pixels)> OfBytes(ReadOnlySpan<byte> truth, ReadOnlySpan<byte> predicted)
    {
        Array.Clear(_bytes);
        ref var t = ref MemoryMarshal.GetReference(truth);
        ref var p = ref MemoryMarshal.GetReference(predicted);
        ref var counts = ref MemoryMarshal.GetArrayDataReference(_bytes); // two bytes can't index beyond it
        nint i = 0,
            length = truth.Length;
        // Maps are made of areas: 32 pixels are mostly one pair.
        for (; i <= length - Vector256<byte>.Count; i += Vector256<byte>.Count)
        {
            var (first, second) = (Unsafe.Add(ref t, i), Unsafe.Add(ref p, i));
            var same =
                Vector256.Equals(Vector256.LoadUnsafe(ref t, (nuint)i), Vector256.Create(first))
                & Vector256.Equals(Vector256.LoadUnsafe(ref p, (nuint)i), Vector256.Create(second));
            if (same == Vector256<byte>.AllBitsSet)
                Unsafe.Add(ref counts, (first << 8) | second) += Vector256<byte>.Count;
            else
                for (var j = i; j < i + Vector256<byte>.Count; j++)
                    Unsafe.Add(ref counts, (Unsafe.Add(ref t, j) << 8) | Unsafe.Add(ref p, j))++;
        }
        for (; i < length; i++)
            Unsafe.Add(ref counts, (Unsafe.Add(ref t, i) << 8) | Unsafe.Add(ref p, i))++;

        var result = new List<(int, int, long)>();
        for (var pair = 0; pair < _bytes.Length; pair++)
            if (_bytes[pair] > 0)
                result.Add((pair >> 8, pair & 255, _bytes[pair]));
        return result;
    }

    private List<(int Truth, int Predicted, long Pixels)> OfWords(Image truth, Image predicted)
    {
        _pairs.Clear();
        var (t, p) = (Words(truth), Words(predicted));
        for (var i = 0; i < t.Length; )
        {
            var start = i;
            while (++i < t.Length && t[i] == t[start] && p[i] == p[start]) { }
            CollectionsMarshal.GetValueRefOrAddDefault(_pairs, (t[start], p[start]), out _) += i - start;
        }
        return [.. _pairs.Select(pair => (pair.Key.Truth, pair.Key.Predicted, pair.Value)).Order()];
    }

    private static ushort[] Words(Image map)
    {
        if (map.Type == PixelType.UInt16)
            return map.Pixels<ushort>().ToArray();
        var bytes = map.Bytes;
        var words = new ushort[bytes.Length];
        for (var i = 0; i < words.Length; i++)
            words[i] = bytes[i];
        return words;
    }
}
