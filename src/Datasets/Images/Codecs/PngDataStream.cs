using System.Buffers.Binary;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>The contents of directly successive IDAT chunks as one stream.</summary>
/// <param name="file">The file; it must stay where it is as long as the stream is read.</param>
/// <param name="begin">Where the first chunk begins.</param>
/// <param name="end">Where the last one ends. Between them are whole chunks alone.</param>
internal sealed unsafe class PngDataStream(byte* file, int begin, int end) : Stream
{
    private readonly byte* _file = file;
    private int _next = begin; // chunk
    private int _at,
        _left; // in the present chunk's content

    /// <summary>More was asked for than there is.</summary>
    public bool IsExhausted { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        while (_left == 0)
        {
            IsExhausted = _next >= end;
            if (IsExhausted)
                return 0;
            _left = BinaryPrimitives.ReadInt32BigEndian(new ReadOnlySpan<byte>(_file + _next, 4));
            _at = _next + 8;
            _next += PngChunks.Frame + _left;
        }
        var count = Math.Min(buffer.Length, _left);
        new ReadOnlySpan<byte>(_file + _at, count).CopyTo(buffer);
        _at += count;
        _left -= count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
