using System.Globalization;
using BitMiracle.LibTiff.Classic;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Opens files in memory with LibTiff.NET, and keeps what it has to say from the console.</summary>
internal static class TiffLibrary
{
    static TiffLibrary()
    {
        var messages = new Messages();
        messages.Others = Tiff.SetErrorHandler(messages);
    }

    /// <summary>What was wrong with the file that this thread read last; null for nothing.</summary>
    [field: ThreadStatic]
    public static string? LastError { get; private set; }

    /// <returns>null where the library can't read the file's directory.</returns>
    public static Tiff? Open(ReadOnlyMemory<byte> data, string name)
    {
        LastError = null;
        var memory = new MemoryFile(data);
        return Tiff.ClientOpen(name, "rc", memory, memory); // c: strips as they are, not cut into pieces
    }

    private sealed class MemoryFile(ReadOnlyMemory<byte> data) : TiffStream
    {
        private long _position;

        public override int Read(object clientData, byte[] buffer, int offset, int count)
        {
            if (_position < 0 || _position >= data.Length)
                return 0;
            count = (int)Math.Min(count, data.Length - _position);
            data.Span.Slice((int)_position, count).CopyTo(buffer.AsSpan(offset));
            _position += count;
            return count;
        }

        public override long Seek(object clientData, long offset, SeekOrigin origin) =>
            _position =
                offset
                + origin switch
                {
                    SeekOrigin.Begin => 0,
                    SeekOrigin.Current => _position,
                    _ => data.Length,
                };

        public override void Write(object clientData, byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Close(object clientData) { }

        public override long Size(object clientData) => data.Length;
    }

    /// <summary>The library has one handler for the whole process: messages about files that others opened go on to whoever listened
    /// before.</summary>
    private sealed class Messages : TiffErrorHandler
    {
        public TiffErrorHandler? Others { get; set; }

        public override void ErrorHandler(Tiff tif, string method, string format, params object[] args)
        {
            if (IsOurs(tif))
                LastError ??= Text(format, args);
            else
                Others?.ErrorHandler(tif, method, format, args);
        }

        public override void WarningHandler(Tiff tif, string method, string format, params object[] args)
        {
            if (!IsOurs(tif))
                Others?.WarningHandler(tif, method, format, args);
            // Of LZW it says no more than this, and leaves the rest black.
            else if (format.Contains("Not enough data", StringComparison.Ordinal))
                LastError ??= Text(format, args);
        }

        public override void ErrorHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
            if (clientData is not MemoryFile)
                Others?.ErrorHandlerExt(tif, clientData, method, format, args);
        }

        public override void WarningHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
            if (clientData is not MemoryFile)
                Others?.WarningHandlerExt(tif, clientData, method, format, args);
        }

        private static bool IsOurs(Tiff? tif) => tif?.Clientdata() is MemoryFile;

        private static string Text(string format, object[] args)
        {
            try
            {
                return string.Format(CultureInfo.InvariantCulture, format, args).ReplaceLineEndings(" ");
            }
            catch (FormatException)
            {
                return format.ReplaceLineEndings(" ");
            }
        }
    }
}
