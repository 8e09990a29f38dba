using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Tessera.Tools.Output;

/// <summary>Arrays as files of NumPy's, version 1.0.</summary>
internal static class NpyArray
{
    private const int Prefix = 10,
        Alignment = 64;

    /// <param name="values">In the order of the last axis first.</param>
    /// <returns>A file of little-endian float32.</returns>
    public static byte[] Of(ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        var sides = string.Join(", ", shape.ToArray()) + (shape.Length == 1 ? "," : "");
        var header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides}), }}";
        var length = ((Prefix + header.Length + 1 + Alignment - 1) / Alignment * Alignment) - Prefix;
        var bytes = new byte[Prefix + length + (sizeof(float) * values.Length)];
        ((ReadOnlySpan<byte>)[0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0]).CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)length);
        Encoding.ASCII.GetBytes(header.PadRight(length - 1) + '\n').CopyTo(bytes, Prefix);
        var target = bytes.AsSpan(Prefix + length);
        if (BitConverter.IsLittleEndian)
            MemoryMarshal.AsBytes(values).CopyTo(target);
        else
            for (var i = 0; i < values.Length; i++)
                BinaryPrimitives.WriteSingleLittleEndian(target[(sizeof(float) * i)..], values[i]);
        return bytes;
    }
}
