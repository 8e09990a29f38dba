namespace TorchSharp.Utils;

/// <summary>Unsigned LEB128, the variable-length integers of TorchSharp's own file format: seven bits a byte, the lowest first.</summary>
internal static class Leb128
{
    public static void Encode(this BinaryWriter writer, long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        for (; value > 0x7f; value >>= 7)
            writer.Write((byte)(value & 0x7f | 0x80));
        writer.Write((byte)value);
    }

    public static long Decode(this BinaryReader reader)
    {
        long value = 0;
        for (var shift = 0; shift < 63; shift += 7)
        {
            var next = reader.ReadByte();
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
        throw new InvalidDataException("A number in the file is longer than 63 bits: the file is damaged or in another format.");
    }
}
