using static TorchSharp.torch;

namespace TorchSharp.Utils;

/// <summary>One tensor in TorchSharp's own format: element type, number of dimensions, extents (all LEB128), then the elements.</summary>
internal static class TensorFile
{
    private const int MostDimensions = 64;

    public static void Save(Tensor tensor, BinaryWriter writer)
    {
        using var scope = NewDisposeScope();
        tensor = tensor.detach().cpu().contiguous();
        writer.Encode((long)tensor.dtype);
        writer.Encode(tensor.dim());
        foreach (var extent in tensor.shape)
            writer.Encode(extent);
        writer.Flush();
        tensor.WriteBytesToStream(writer.BaseStream);
    }

    /// <summary>Reads into a tensor, whose type and shape must be those of the file.</summary>
    public static void Load(Tensor tensor, BinaryReader reader)
    {
        var (type, shape) = ReadHeader(reader);
        if (type != tensor.dtype || !shape.AsSpan().SequenceEqual(tensor.shape))
            throw new ArgumentException($"The file has {type} [{string.Join(", ", shape)}] where the model has {tensor.dtype} [{string.Join(", ", tensor.shape)}].");
        using var noGrad = no_grad();
        using var read = ReadElements(reader, type, shape);
        tensor.copy_(read);
    }

    public static Tensor Load(BinaryReader reader)
    {
        var (type, shape) = ReadHeader(reader);
        return ReadElements(reader, type, shape);
    }

    public static void Skip(BinaryReader reader)
    {
        var (type, shape) = ReadHeader(reader);
        var bytes = RequireBytes(reader, type, shape);
        if (reader.BaseStream.CanSeek)
            reader.BaseStream.Seek(bytes, SeekOrigin.Current);
        else
            while (bytes > 0)
                bytes -= reader.ReadBytes((int)Math.Min(bytes, 1 << 20)) is { Length: > 0 } read ? read.Length : throw new EndOfStreamException();
    }

    private static Tensor ReadElements(BinaryReader reader, ScalarType type, long[] shape)
    {
        RequireBytes(reader, type, shape);
        var result = empty(shape, dtype: type);
        try
        {
            result.ReadBytesFromStream(reader.BaseStream);
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    private static (ScalarType, long[]) ReadHeader(BinaryReader reader)
    {
        var type = reader.Decode();
        if (!Enum.IsDefined(typeof(ScalarType), (sbyte)Math.Min(type, sbyte.MaxValue)))
            throw new InvalidDataException($"{type} is no element type: the file is damaged or in another format.");
        var dimensions = reader.Decode();
        if (dimensions > MostDimensions)
            throw new InvalidDataException($"A tensor of {dimensions} dimensions: the file is damaged or in another format.");
        var shape = new long[dimensions];
        for (var i = 0; i < shape.Length; i++)
            shape[i] = reader.Decode();
        return ((ScalarType)type, shape);
    }

    /// <summary>Checks, before anything is allocated, that the file goes on for as long as the elements take.</summary>
    private static long RequireBytes(BinaryReader reader, ScalarType type, long[] shape)
    {
        long bytes = type.ElementSize();
        try
        {
            foreach (var extent in shape)
                bytes = checked(bytes * extent);
        }
        catch (OverflowException)
        {
            throw new InvalidDataException($"A tensor of [{string.Join(", ", shape)}] elements is too large for any file.");
        }
        if (reader.BaseStream.CanSeek && bytes > reader.BaseStream.Length - reader.BaseStream.Position)
            throw new EndOfStreamException($"The file ends before the {bytes} bytes of a tensor [{string.Join(", ", shape)}].");
        return bytes;
    }
}
