using System.Buffers.Binary;

namespace Tessera.Framework.Checkpoints;

internal enum FileKind
{
    Unknown,
    Empty,
    Safetensors,
    PyTorchZip,
    PyTorchLegacy,
    PyTorchTar,
    WebPage,
    LfsPointer,
    Gzip,
    Onnx,
    Json,
}

/// <summary>Tells files of weights apart by their first bytes.</summary>
internal static class FileKinds
{
    public static FileKind Detect(ReadOnlySpan<byte> start, long length)
    {
        if (length == 0)
            return FileKind.Empty;
        // First: the length before the brace can begin like a pickle or a zip.
        if (start.Length >= 9 && start[8] == (byte)'{' && BinaryPrimitives.ReadUInt64LittleEndian(start) >> 40 == 0)
            return FileKind.Safetensors;
        if (start.StartsWith("PK\u0003\u0004"u8))
            return FileKind.PyTorchZip;
        if (start.Length > 2 && start[0] == 0x80 && start[1] is >= 2 and <= 5)
            return FileKind.PyTorchLegacy;
        if (start.Length > 262 && start[257..262].SequenceEqual("ustar"u8))
            return FileKind.PyTorchTar;
        if (start.StartsWith("version https://git-lfs"u8))
            return FileKind.LfsPointer;
        if (start.Length > 2 && start[0] == 0x1F && start[1] == 0x8B)
            return FileKind.Gzip;
        var text = start.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("{"u8))
            return FileKind.Json;
        if (text.StartsWith("<!DOCTYPE"u8) || text.StartsWith("<!doctype"u8) || text.StartsWith("<html"u8))
            return FileKind.WebPage;
        if (start.Length > 1 && start[0] == 0x08 && start[1] is > 0 and < 16)
            return FileKind.Onnx;
        return FileKind.Unknown;
    }

    public static string Describe(FileKind kind) =>
        kind switch
        {
            FileKind.Empty => "it is empty",
            FileKind.PyTorchTar =>
                "it is a tar archive, the form PyTorch wrote before version 0.1.10; load and save it again with a newer PyTorch",
            FileKind.WebPage => "it is a web page: the download went wrong",
            FileKind.LfsPointer => "it is a Git LFS pointer, not the file itself; run `git lfs pull`",
            FileKind.Gzip => "it is compressed with gzip; unpack it first",
            FileKind.Onnx => "it looks like an ONNX model",
            _ => "its first bytes belong to no format known here",
        };
}
