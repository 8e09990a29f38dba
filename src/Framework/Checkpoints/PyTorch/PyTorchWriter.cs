using System.IO.Compression;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>Writes a state dict in PyTorch's zip format, for <c>torch.load</c>. Holds nothing but an OrderedDict of tensors, which has the
/// class names, and whose names the tensors bear, as attributes.</summary>
internal static class PyTorchWriter
{
    private const string Folder = "archive/";

    public static void Write(
        Stream stream,
        IReadOnlyList<WeightSource> tensors,
        IReadOnlyList<string>? classes = null,
        string names = Publisher.Own
    )
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        WriteEntry(archive, "data.pkl", entry => entry.Write(Pickle(tensors, classes ?? [], names)));
        WriteEntry(archive, "byteorder", entry => entry.Write("little"u8));
        for (var i = 0; i < tensors.Count; i++)
            WriteEntry(archive, $"data/{i}", tensors[i].WriteTo);
        WriteEntry(archive, "version", entry => entry.Write("3\n"u8));
    }

    private static void WriteEntry(ZipArchive archive, string name, Action<Stream> write)
    {
        var entry = archive.CreateEntry(Folder + name, CompressionLevel.NoCompression);
        entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the same weights give the same file
        using var content = entry.Open();
        write(content);
    }

    private static byte[] Pickle(IReadOnlyList<WeightSource> tensors, IReadOnlyList<string> classes, string names)
    {
        var pickle = new PickleOutput();
        pickle.Global("collections", "OrderedDict");
        pickle.Write(")R("u8);
        for (var i = 0; i < tensors.Count; i++)
        {
            var info = tensors[i].Info;
            pickle.Text(info.Name);
            pickle.Global("torch._utils", "_rebuild_tensor_v2");
            pickle.Write("(("u8);
            pickle.Text("storage");
            pickle.Global("torch", StorageName(info));
            pickle.Text(i.ToString(System.Globalization.CultureInfo.InvariantCulture));
            pickle.Text("cpu");
            pickle.Integer(info.Count);
            pickle.Write("tQ"u8);
            pickle.Integer(0);
            pickle.Tuple(info.Shape);
            pickle.Tuple(Strides(info.Shape));
            pickle.Write([0x89]);
            pickle.Global("collections", "OrderedDict");
            pickle.Write(")RtR"u8);
        }
        pickle.Write("u"u8);
        if (classes.Count > 0)
        {
            pickle.Write("}"u8);
            pickle.Text(PickledClasses.Attribute);
            pickle.Write("]("u8);
            foreach (var name in classes)
                pickle.Text(name);
            pickle.Write("es"u8);
            pickle.Text(PickledClasses.NamesAttribute);
            pickle.Text(names);
            pickle.Write("sb"u8); // attributes of the OrderedDict
        }
        pickle.Write("."u8);
        return pickle.Bytes;
    }

    private static long[] Strides(IReadOnlyList<long> shape)
    {
        var strides = new long[shape.Count];
        var stride = 1L;
        for (var i = shape.Count - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= Math.Max(shape[i], 1);
        }
        return strides;
    }

    private static string StorageName(WeightInfo info) =>
        info.Type switch
        {
            ElementType.Bool => "BoolStorage",
            ElementType.UInt8 => "ByteStorage",
            ElementType.Int8 => "CharStorage",
            ElementType.Int16 => "ShortStorage",
            ElementType.Int32 => "IntStorage",
            ElementType.Int64 => "LongStorage",
            ElementType.Float16 => "HalfStorage",
            ElementType.BFloat16 => "BFloat16Storage",
            ElementType.Float32 => "FloatStorage",
            ElementType.Float64 => "DoubleStorage",
            ElementType.Complex64 => "ComplexFloatStorage",
            ElementType.Complex128 => "ComplexDoubleStorage",
            _ => throw new ArgumentException($"{info} has no PyTorch storage.", nameof(info)),
        };
}
