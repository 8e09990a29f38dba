using System.Runtime.CompilerServices;
using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Datasets.Loading;

/// <summary>
/// One tensor of a batch, [B, …], whose samples are written by several threads: made by the first to know its sample's shape,
/// in native memory, so that nothing is copied afterwards.
/// </summary>
internal sealed unsafe class MapStack(string what, int capacity, ScalarType type) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly (string Name, int C, int H, int W)?[] _written = new (string, int, int, int)?[capacity];
    private (int C, int H, int W) _shape;
    private Tensor? _tensor;
    private byte* _data;

    /// <summary>The place of one sample, or an empty span where its shape is not the batch's (<see cref="Take"/> then says so).</summary>
    public Span<T> Reserve<T>(int slot, Sample sample, int channels, int height, int width)
        where T : unmanaged
    {
        lock (_gate)
        {
            _written[slot] = (sample.Name, channels, height, width);
            if (_tensor is null)
                Allocate<T>(channels, height, width);
            if (_shape != (channels, height, width))
                return [];
        }
        var length = channels * height * width;
        return new Span<T>((T*)_data + (long)slot * length, length);
    }

    /// <summary>The finished tensor, whose ownership passes on; null where no sample had such a map.</summary>
    /// <param name="samples">By slot; null where a sample was left out.</param>
    public Tensor? Take(IReadOnlyList<Sample?> samples)
    {
        if (_tensor is null)
            return null;
        var present = Enumerable.Range(0, capacity).Where(slot => samples[slot] is not null).ToArray();
        foreach (var slot in present)
            if (_written[slot] is null)
                throw new UserErrorException($"{samples[slot]!.Name} has no {what}, but another sample of the batch has.");
        var first = _written[present[0]]!.Value;
        foreach (var slot in present)
        {
            var other = _written[slot]!.Value;
            if ((other.C, other.H, other.W) != (first.C, first.H, first.W))
                throw new UserErrorException(
                    $"The {what}s of a batch must be of one size: {first.Name} is {Describe(first)}, {other.Name} is {Describe(other)}. "
                        + "Add a Resize, a crop or a Pad step to the pipeline, or set batch_size to 1."
                );
        }
        if (_shape != (first.C, first.H, first.W)) // made for a sample that has been left out since
            throw new InvalidOperationException("The batch was laid out for a sample that is not in it.");
        var whole = _tensor;
        _tensor = null;
        if (present.Length == capacity)
            return whole;
        var bytes = (long)_shape.C * _shape.H * _shape.W * whole.element_size();
        for (var i = 0; i < present.Length; i++)
            if (i != present[i])
                Unsafe.CopyBlock(_data + i * bytes, _data + present[i] * bytes, checked((uint)bytes));
        var part = whole.narrow(0, 0, present.Length).DetachFromDisposeScope();
        whole.Dispose();
        return part;
    }

    public void Dispose() => _tensor?.Dispose();

    private void Allocate<T>(int channels, int height, int width)
        where T : unmanaged
    {
        var bytes = (long)capacity * channels * height * width * sizeof(T);
        if (bytes > int.MaxValue)
            throw new UserErrorException(
                $"{capacity} {what}s of {channels} x {height} x {width} take {bytes / (1 << 20):N0} MiB, more than a batch may "
                    + $"(2,047). Lower batch_size or the size in the pipeline."
            );
        long[] size = type == ScalarType.Int64 ? [capacity, height, width] : [capacity, channels, height, width];
        _tensor = empty(size, type).DetachFromDisposeScope();
        fixed (byte* data = _tensor.bytes)
            _data = data; // native memory: it stays where it is
        _shape = (channels, height, width);
    }

    private static string Describe((string Name, int C, int H, int W) map) =>
        map.C == 1 ? $"{map.H} x {map.W}" : $"{map.H} x {map.W} x {map.C}";
}
