using Microsoft.Win32.SafeHandles;

namespace Tessera.Framework.Checkpoints;

/// <summary>A file read at any place; whoever reads checks against <see cref="Length"/> first.</summary>
internal sealed class FileBytes : IDisposable
{
    private readonly SafeFileHandle _handle;

    private FileBytes(string path, SafeFileHandle handle) => (Path, _handle, Length) = (path, handle, RandomAccess.GetLength(handle));

    public string Path { get; }

    public long Length { get; }

    public static FileBytes Open(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw WeightsFileErrors.IsFolder(path);
            return new FileBytes(path, System.IO.File.OpenHandle(path));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw WeightsFileErrors.NoSuchFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw WeightsFileErrors.CannotRead(path, error);
        }
    }

    /// <returns>Bytes read: fewer than asked for only at the file's end.</returns>
    public int ReadUpTo(long offset, Span<byte> destination)
    {
        var done = 0;
        try
        {
            while (done < destination.Length)
            {
                var count = RandomAccess.Read(_handle, destination[done..], offset + done);
                if (count == 0)
                    break;
                done += count;
            }
        }
        catch (IOException error)
        {
            throw WeightsFileErrors.CannotRead(Path, error);
        }
        return done;
    }

    public void Read(long offset, Span<byte> destination, string what)
    {
        if (ReadUpTo(offset, destination) < destination.Length)
            throw WeightsFileErrors.Truncated(this, what);
    }

    /// <summary>A copy of a part. The length is checked against the file's before memory is taken.</summary>
    public byte[] Read(long offset, long count, string what)
    {
        if (offset < 0 || count < 0 || offset > Length - count || count > Array.MaxLength)
            throw WeightsFileErrors.Truncated(this, what);
        var bytes = new byte[count];
        Read(offset, bytes, what);
        return bytes;
    }

    public Stream Stream(long offset, long count) => new Part(this, offset, count);

    public void Dispose() => _handle.Dispose();

    private sealed class Part(FileBytes file, long offset, long count) : Stream
    {
        private long _position;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => count;
        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            var wanted = (int)Math.Min(buffer.Length, count - _position);
            var done = file.ReadUpTo(offset + _position, buffer[..wanted]);
            _position += done;
            return done;
        }

        public override int Read(byte[] buffer, int start, int length) => Read(buffer.AsSpan(start, length));

        public override void Flush() { }

        public override long Seek(long target, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int start, int length) => throw new NotSupportedException();
    }
}
