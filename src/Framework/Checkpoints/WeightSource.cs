using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>A tensor on its way into a file.</summary>
/// <param name="Info">Name, type and shape in the file.</param>
/// <param name="WriteTo">Writes exactly that many bytes, little endian, in order.</param>
internal sealed record WeightSource(WeightInfo Info, Action<Stream> WriteTo)
{
    /// <summary>A tensor on any device, of any layout; copied only where needed, one at a time.</summary>
    public static WeightSource From(string name, Tensor tensor) =>
        new(new WeightInfo(name, ElementTypes.FromScalarType(tensor.dtype), [.. tensor.shape]), stream => Write(tensor, stream));

    private static void Write(Tensor tensor, Stream stream)
    {
        using var scope = NewDisposeScope();
        var plain = tensor.detach().cpu().contiguous();
        var bytes = plain.NumberOfElements * plain.ElementSize;
        if (bytes == 0)
            return;
        if (bytes <= int.MaxValue)
            stream.Write(plain.bytes);
        else
            plain.WriteBytesToStream(stream, 1 << 20);
    }
}
