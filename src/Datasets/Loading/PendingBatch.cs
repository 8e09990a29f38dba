using System.Runtime.InteropServices;
using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Datasets.Loading;

/// <summary>A batch in the making: slots that are filled in any order, by any thread.</summary>
internal sealed class PendingBatch : IDisposable
{
    private readonly SampleReader _reader;
    private readonly int[] _indices,
        _occurrences;
    private readonly int _epoch;
    private readonly Sample?[] _samples;
    private readonly MapStack _images,
        _segmentation;
    private readonly PaddedImages? _padded;
    private readonly Dictionary<string, MapStack> _extras = [];
    private readonly Lock _gate = new();
    private int _unread,
        _remaining,
        _failedSlot = int.MaxValue;
    private Exception? _failure;
    private volatile bool _mapsApart;

    public PendingBatch(SampleReader reader, int[] indices, int[] occurrences, int epoch)
    {
        (_reader, _indices, _occurrences, _epoch) = (reader, indices, occurrences, epoch);
        _unread = _remaining = indices.Length;
        _samples = new Sample?[indices.Length];
        _images = new MapStack("image", indices.Length, ScalarType.Float32);
        _segmentation = new MapStack("segmentation map", indices.Length, ScalarType.Int64);
        _padded = reader.PadDivisor is { } divisor ? new PaddedImages(indices.Length, divisor) : null;
    }

    public int Count => _indices.Length;

    public bool IsComplete => Volatile.Read(ref _remaining) == 0;

    /// <summary>Reads one sample into its slot. Never throws; <see cref="Finish"/> does.</summary>
    /// <returns>True for the slot that completes the batch.</returns>
    public bool Fill(int slot)
    {
        try
        {
            if (_reader.Read(_indices[slot], _occurrences[slot], _epoch) is { } read)
            {
                Write(slot, read);
                _samples[slot] = read.Sample;
            }
        }
        catch (Exception e)
        {
            Fail(slot, e);
        }
        if (_padded is not null && Interlocked.Decrement(ref _unread) == 0)
            LayOut(slot);
        return Interlocked.Decrement(ref _remaining) == 0;
    }

    /// <summary>All samples are read: only now is it known how large the batch's images are.</summary>
    private void LayOut(int slot)
    {
        try
        {
            _padded!.LayOut(_images);
        }
        catch (Exception e)
        {
            Fail(slot, e);
        }
    }

    private void Fail(int slot, Exception e)
    {
        lock (_gate)
            if (slot < _failedSlot)
                (_failedSlot, _failure) = (slot, e); // the first in order, whichever thread was first
    }

    /// <summary>The batch, once complete; null where every sample was left out.</summary>
    public Batch? Finish()
    {
        if (_failure is UserErrorException error)
            throw new UserErrorException(error.Message, error);
        if (_failure is not null)
            throw new InvalidOperationException(_failure.Message, _failure);
        var samples = _samples.OfType<Sample>().ToArray();
        if (samples.Length == 0)
            return null;
        var batch = new Batch { Images = _images.Take(_samples)!, Samples = samples };
        try
        {
            if (!_mapsApart)
                batch.SegmentationMaps = _segmentation.Take(_samples);
            foreach (var (name, stack) in _extras)
                batch.ExtraMaps[name] = stack.Take(_samples)!;
            if (All(samples, "label", s => s.Truth.Label is not null))
                batch.Labels = Vector(ScalarType.Int64, [samples.Length], samples.Select(s => (long)s.Truth.Label!.Value).ToArray());
            batch.SoftLabels = Rows(samples, "multi-label truth", s => s.Truth.MultiLabel);
            batch.Targets = Rows(samples, "targets", s => s.Truth.Targets);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _images.Dispose();
        _segmentation.Dispose();
        foreach (var stack in _extras.Values)
            stack.Dispose();
    }

    private void Write(int slot, PreparedSample read)
    {
        var (sample, image) = (read.Sample, read.Pixels);
        if (_padded is not null)
        {
            _padded.Add(slot, read);
        }
        else
        {
            var planes = _images.Reserve<float>(slot, sample, image.Channels, image.Height, image.Width);
            if (!planes.IsEmpty)
                read.Normalization.WritePlanes(image, planes);
        }
        sample.Image = null;
        if (sample.Truth.SegmentationMap is { } map && FitsImage(sample, map, image))
        {
            var indices = _segmentation.Reserve<long>(slot, sample, 1, map.Height, map.Width);
            if (!indices.IsEmpty)
                WriteIndices(map, indices);
        }
        foreach (var (name, extra) in sample.Truth.ExtraMaps)
        {
            MapStack? stack;
            lock (_gate)
                if (!_extras.TryGetValue(name, out stack))
                    _extras[name] = stack = new MapStack($"map \"{name}\"", Count, ScalarType.Float32);
            var values = stack.Reserve<float>(slot, sample, extra.Channels, extra.Height, extra.Width);
            if (!values.IsEmpty)
                Normalization.None.WritePlanes(extra, values);
        }
    }

    /// <summary>In evaluation a map may keep its file's size, for the metrics; it is then no part of the batch, nor are the
    /// others.</summary>
    private bool FitsImage(Sample sample, Image map, Image image)
    {
        if ((map.Height, map.Width) == (image.Height, image.Width))
            return true;
        if (sample.Training)
            throw new UserErrorException(
                $"{sample.Name}: the image has come to {image.Height} x {image.Width} pixels, its segmentation map to {map.Height} x "
                    + $"{map.Width}. In training, LoadSegmentation stands before the steps that resize and crop."
            );
        _mapsApart = true;
        return false;
    }

    /// <summary>Class indices as they are; a 16-bit map's 65535 becomes 255, which is ignored.</summary>
    private static void WriteIndices(Image map, Span<long> indices)
    {
        if (map.Type == PixelType.UInt8)
        {
            var values = map.Pixels<byte>();
            for (var i = 0; i < indices.Length; i++)
                indices[i] = values[i];
            return;
        }
        var wide = map.Pixels<ushort>();
        for (var i = 0; i < indices.Length; i++)
            indices[i] = wide[i] == ushort.MaxValue ? 255 : wide[i];
    }

    private static Tensor? Rows(Sample[] samples, string what, Func<Sample, float[]?> row)
    {
        if (!All(samples, what, s => row(s) is not null))
            return null;
        var width = row(samples[0])!.Length;
        var values = new float[samples.Length * width];
        for (var i = 0; i < samples.Length; i++)
        {
            if (row(samples[i])!.Length != width)
                throw new UserErrorException(
                    $"The {what} of a batch must be equally long: {samples[0].Name} has {width}, {samples[i].Name} has "
                        + $"{row(samples[i])!.Length}."
                );
            row(samples[i])!.CopyTo(values, i * width);
        }
        return Vector(ScalarType.Float32, [samples.Length, width], values);
    }

    private static bool All(Sample[] samples, string what, Func<Sample, bool> has)
    {
        var count = samples.Count(has);
        if (count == 0)
            return false;
        if (count == samples.Length)
            return true;
        throw new UserErrorException($"{samples.First(s => !has(s)).Name} has no {what}, but {samples.First(has).Name} has.");
    }

    private static Tensor Vector<T>(ScalarType type, long[] size, T[] values)
        where T : unmanaged
    {
        var tensor = empty(size, type).DetachFromDisposeScope();
        MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(tensor.bytes);
        return tensor;
    }
}
