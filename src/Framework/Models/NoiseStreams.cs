using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>Normal random numbers for a batch of images, a stream for each, so that an image depends on its own seed alone and not on the
/// others of its batch, nor on the tensor library's generators.</summary>
public sealed class NoiseStreams
{
    private readonly RandomSource[] _sources;
    private readonly Device _device;

    /// <param name="seeds">One for each image.</param>
    /// <param name="device">Where the numbers are wanted.</param>
    public NoiseStreams(IEnumerable<long> seeds, Device device) =>
        (_sources, _device) = ([.. seeds.Select(seed => RandomSource.For(seed, 0, 0))], device);

    /// <summary>Images in the batch.</summary>
    public int Count => _sources.Length;

    /// <summary>The next numbers of every stream, from a normal of mean 0 and deviation 1.</summary>
    /// <param name="shape">Of one image's numbers.</param>
    /// <returns>[Count, shape…], float32.</returns>
    public Tensor Normal(params ReadOnlySpan<long> shape)
    {
        var each = 1;
        foreach (var size in shape)
            each = checked(each * (int)size);
        var values = new float[checked(each * Count)];
        for (var row = 0; row < Count; row++)
        {
            var (source, start) = (_sources[row], row * each);
            for (var i = 0; i < each; i++)
                values[start + i] = (float)source.Normal();
        }
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(tensor(values).reshape([Count, .. shape]).to(_device));
    }
}
