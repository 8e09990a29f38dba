namespace Tessera.Datasets.Images.Codecs;

/// <summary>What stands where in a PNG file. Nothing is copied or decompressed; chunks that don't concern the pixels are passed over
/// unread.</summary>
internal readonly ref struct PngFile
{
    public required PngHeader Header { get; init; }

    /// <summary>Red, green, blue of each index; empty without a palette.</summary>
    public required ReadOnlySpan<byte> Palette { get; init; }

    /// <summary>The tRNS chunk: opacities of the first indices, or the gray value or colour that is transparent, in words; possibly
    /// empty.</summary>
    public required ReadOnlySpan<byte> Transparency { get; init; }

    /// <summary>EXIF orientation, 1 to 8.</summary>
    public required int Orientation { get; init; }

    /// <summary>The range of the file that consists of the IDAT chunks, one directly after the other.</summary>
    public required (int Begin, int End) Data { get; init; }

    /// <summary>The compressed bytes in it.</summary>
    public required long DataLength { get; init; }

    /// <summary>Reads all chunks.</summary>
    /// <param name="forPixels">Check that the pixels' data are there and whole; otherwise they are passed over.</param>
    /// <exception cref="Framework.Errors.UserErrorException">A chunk is damaged, missing, doubled or out of place.</exception>
    public static PngFile Read(ReadOnlySpan<byte> data, string name, bool forPixels)
    {
        var reader = new Reader(data, name, forPixels);
        return reader.Read();
    }

    private ref struct Reader(ReadOnlySpan<byte> data, string name, bool forPixels)
    {
        private readonly ReadOnlySpan<byte> _data = data;
        private PngChunks _chunks = new(data, name);
        private PngHeader _header;
        private ReadOnlySpan<byte> _palette,
            _transparency;
        private bool _hasTransparency,
            _hasExif;
        private int _orientation = 1;
        private int _begin,
            _end; // of the IDAT chunks
        private long _dataLength;

        private readonly bool HasData => _end > 0;

        public PngFile Read()
        {
            ReadHeader();
            while (_chunks.MoveNext() && _chunks.Type != PngChunks.Iend)
                Take();
            // Once the pixels are there, rubbish or a cut behind them does no harm: other readers accept that too.
            if (_chunks.Fault is { } fault && !HasData)
                throw ImageErrors.Damaged(name, "PNG", fault);
            if (forPixels)
            {
                if (_chunks.IsCut && _chunks.Type == PngChunks.Idat)
                    throw ImageErrors.Truncated(name, "PNG", "in the pixels");
                if (!HasData)
                    throw ImageErrors.Truncated(name, "PNG", "no pixels in it");
                if (_header.Color == PngColor.Indexed && _palette.IsEmpty)
                    throw ImageErrors.Damaged(name, "PNG", "its palette is missing");
            }
            return new PngFile
            {
                Header = _header,
                Palette = _palette,
                Transparency = _transparency,
                Orientation = _orientation,
                Data = (_begin, _end),
                DataLength = _dataLength,
            };
        }

        private void ReadHeader()
        {
            var start = _data[..Math.Min(PngChunks.Signature.Length, _data.Length)];
            if (!PngChunks.Signature.StartsWith(start))
                throw ImageErrors.Damaged(name, "PNG", "its first bytes were changed, as by a transfer as text");
            if (!_chunks.MoveNext())
                throw _chunks.Fault is { } fault
                    ? ImageErrors.Damaged(name, "PNG", fault)
                    : ImageErrors.Truncated(name, "PNG", "in the header");
            if (_chunks.Type != PngChunks.Ihdr)
                throw Damaged($"it begins with chunk {PngChunks.TypeName(_chunks.Type)}; IHDR was expected");
            _chunks.CheckCrc();
            _header = PngHeader.Read(_chunks.Content, name);
        }

        private void Take()
        {
            switch (_chunks.Type)
            {
                case PngChunks.Idat:
                    TakeData();
                    break;
                case PngChunks.Plte:
                    TakePalette();
                    break;
                case PngChunks.Trns:
                    TakeTransparency();
                    break;
                case PngChunks.Exif:
                    Expect(once: !_hasExif);
                    _hasExif = true;
                    _orientation = ExifOrientation.Read(_chunks.Content);
                    break;
                case PngChunks.Ihdr:
                    throw Damaged("two chunks IHDR");
                default:
                    if (_chunks.IsCritical)
                        throw Damaged($"the unknown chunk {PngChunks.TypeName(_chunks.Type)}, which may not be passed over");
                    break;
            }
        }

        private void TakeData()
        {
            if (HasData && _end != _chunks.Begin)
                throw Damaged("other chunks stand between the chunks IDAT");
            if (forPixels)
                _chunks.CheckCrc();
            if (!HasData)
                _begin = _chunks.Begin;
            _end = _chunks.End;
            _dataLength += _chunks.Content.Length;
        }

        private void TakePalette()
        {
            Expect(once: _palette.IsEmpty);
            if (HasData || _hasTransparency)
                throw Damaged("chunk PLTE stands too late");
            var length = _chunks.Content.Length;
            var most = _header.Color == PngColor.Indexed ? 1 << _header.BitDepth : 256;
            if (length == 0 || length % 3 != 0 || length > most * 3)
                throw Damaged($"a palette of {length} bytes");
            _palette = _chunks.Content;
        }

        private void TakeTransparency()
        {
            Expect(once: !_hasTransparency);
            if (HasData)
                throw Damaged("chunk tRNS stands too late");
            var length = _chunks.Content.Length;
            var fits = _header.Color switch
            {
                PngColor.Gray => length == 2,
                PngColor.Rgb => length == 6,
                PngColor.Indexed => length > 0 && length <= _palette.Length / 3,
                _ => false,
            };
            if (!fits)
                throw Damaged($"chunk tRNS of {length} bytes for color type {(int)_header.Color}");
            _hasTransparency = true;
            _transparency = _chunks.Content;
        }

        private readonly void Expect(bool once)
        {
            if (!once)
                throw Damaged($"two chunks {PngChunks.TypeName(_chunks.Type)}");
            _chunks.CheckCrc();
        }

        private readonly UserErrorException Damaged(string detail) => ImageErrors.Damaged(name, "PNG", detail);
    }
}
