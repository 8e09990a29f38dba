using System.Buffers;
using System.IO.Compression;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>The decompressed rows of a PNG, each after the byte that names its filter.</summary>
internal sealed class PngRows : IDisposable
{
    private const int BlockSize = 64 << 10; // many rows a read: each read calls into zlib

    private readonly PngDataStream _source;
    private readonly ZLibStream _zlib;
    private readonly string _name;
    private byte[] _block = [];
    private int _length,
        _left,
        _at,
        _filled;

    public PngRows(PngDataStream source, string name) =>
        (_source, _name, _zlib) = (source, name, new ZLibStream(source, CompressionMode.Decompress));

    /// <summary>Announces the next rows.</summary>
    /// <param name="length">Of each, its filter byte included.</param>
    public void Begin(int count, int length)
    {
        (_left, _length, _at, _filled) = (count, length, 0, 0);
        var size = (int)Math.Min((long)Math.Max(1, BlockSize / length) * length, (long)count * length);
        if (_block.Length >= size)
            return;
        Release();
        _block = ArrayPool<byte>.Shared.Rent(size);
    }

    /// <returns>The next of the announced rows; valid until the next call.</returns>
    /// <exception cref="Framework.Errors.UserErrorException">The data are damaged or too few.</exception>
    public ReadOnlySpan<byte> Next()
    {
        if (_at == _filled)
        {
            var count = Math.Min(_left, _block.Length / _length);
            if (count == 0)
                throw new InvalidOperationException("More rows were asked for than announced.");
            Fill(_block.AsSpan(0, count * _length));
            (_at, _filled, _left) = (0, count * _length, _left - count);
        }
        _at += _length;
        return _block.AsSpan(_at - _length, _length);
    }

    public void Dispose()
    {
        _zlib.Dispose();
        Release();
    }

    private void Fill(Span<byte> target)
    {
        try
        {
            _zlib.ReadExactly(target);
        }
        catch (EndOfStreamException)
        {
            throw ImageErrors.Truncated(_name, "PNG", "its pixel data end too early");
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw _source.IsExhausted
                ? ImageErrors.Truncated(_name, "PNG", "its pixel data end too early")
                : ImageErrors.Damaged(_name, "PNG", "its pixel data can't be decompressed");
        }
    }

    private void Release()
    {
        if (_block.Length > 0)
            ArrayPool<byte>.Shared.Return(_block);
        _block = [];
    }
}
