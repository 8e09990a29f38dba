namespace Tessera.Framework.Data;

/// <summary>What the values (or colours) of label files mean: a class, or "ignore". A value that it lacks is a mistake in the
/// data.</summary>
public sealed class LabelTable
{
    /// <summary>The index of pixels whose class doesn't count.</summary>
    public const byte Ignore = 255;

    /// <summary>Indices are bytes, and one is taken by <see cref="Ignore"/>.</summary>
    public const int MostClasses = 255;

    /// <summary>The table's key for every value that it doesn't name.</summary>
    public const string Others = "*";

    private const int IndexValues = 1 << 16;

    private readonly byte[] _classes;
    private readonly bool[] _known;
    private readonly Dictionary<int, byte> _colors = [];
    private readonly byte? _others;

    /// <param name="classes">Names in index order.</param>
    /// <param name="entries">Class (or <see cref="Ignore"/>) of each value: 0 to 65535, or 0xRRGGBB of a colour.</param>
    /// <param name="byColor">The values are colours.</param>
    /// <param name="others">Class (or <see cref="Ignore"/>) of all other values; null where there may be none.</param>
    public LabelTable(IReadOnlyList<string> classes, IReadOnlyList<KeyValuePair<int, byte>> entries, bool byColor, byte? others = null)
    {
        if (classes.Count is 0 or > MostClasses)
            throw new ArgumentException($"{classes.Count} classes; 1 to {MostClasses} were expected.", nameof(classes));
        foreach (var (value, index) in entries)
        {
            if (index != Ignore && index >= classes.Count)
                throw new ArgumentException($"Class {index} of {classes.Count}.", nameof(entries));
            if (value < 0 || value >= (byColor ? 1 << 24 : IndexValues))
                throw new ArgumentException($"The value {value} is out of range.", nameof(entries));
        }
        (Classes, Entries, ByColor, _others) = (classes, entries, byColor, others);
        _classes = new byte[byColor ? 0 : IndexValues];
        _known = new bool[_classes.Length];
        if (others is { } rest)
        {
            _classes.AsSpan().Fill(rest);
            _known.AsSpan().Fill(true);
        }
        foreach (var (value, index) in entries)
        {
            if (byColor)
                _colors[value] = index;
            else
                (_classes[value], _known[value]) = (index, true);
        }
    }

    /// <summary>Names in index order.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>In the order in which they were given.</summary>
    public IReadOnlyList<KeyValuePair<int, byte>> Entries { get; }

    /// <summary>The values are colours, 0xRRGGBB.</summary>
    public bool ByColor { get; }

    /// <summary>The class of a value, <see cref="Ignore"/>, or null where the table lacks it.</summary>
    public byte? Find(int value)
    {
        if (ByColor)
            return _colors.TryGetValue(value, out var index) ? index : _others;
        return value < IndexValues && _known[value] ? _classes[value] : _others;
    }

    /// <summary>A value as configs write it.</summary>
    public string Name(int value) =>
        ByColor ? Rgb.FromValue(value).ToString() : value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A class's name, or "ignore".</summary>
    public string ClassName(byte index) => index == Ignore ? "ignore" : Classes[index];

    /// <summary>The table as a config's label_map.</summary>
    public IEnumerable<KeyValuePair<string, string>> AsLabelMap()
    {
        foreach (var (value, index) in Entries)
            yield return new(Name(value), ClassName(index));
        if (_others is { } rest)
            yield return new(Others, ClassName(rest));
    }

    /// <summary>Class indices of a label image.</summary>
    /// <param name="raw">One channel of 8 or 16 bits; 8-bit RGB for a table of colours.</param>
    /// <param name="name">What messages call the file.</param>
    /// <returns>[H, W, 1], 8-bit; <see cref="Ignore"/> is ignored.</returns>
    /// <exception cref="UserErrorException">It holds values that the table lacks.</exception>
    public Image Apply(Image raw, string name)
    {
        if (raw.Channels != (ByColor ? 3 : 1) || raw.Type == PixelType.Float32)
            throw new ArgumentException($"{raw.Channels} channels of {raw.Type} are no label image for this table.", nameof(raw));
        var map = new Image(raw.Height, raw.Width, 1);
        var known =
            ByColor ? MapColors(raw.Pixels<byte>(), map.Bytes)
            : raw.Type == PixelType.UInt8 ? MapBytes(raw.Pixels<byte>(), map.Bytes)
            : MapWords(raw.Pixels<ushort>(), map.Bytes);
        return known ? map : throw LabelErrors.Unclaimed(name, this, LabelHistogram.Of(raw));
    }

    private bool MapBytes(ReadOnlySpan<byte> values, Span<byte> indices)
    {
        var unknown = false;
        ReadOnlySpan<byte> classes = _classes.AsSpan(0, 256);
        ReadOnlySpan<bool> known = _known.AsSpan(0, 256);
        for (var i = 0; i < values.Length; i++)
        {
            indices[i] = classes[values[i]];
            unknown |= !known[values[i]];
        }
        return !unknown;
    }

    private bool MapWords(ReadOnlySpan<ushort> values, Span<byte> indices)
    {
        var unknown = false;
        for (var i = 0; i < values.Length; i++)
        {
            indices[i] = _classes[values[i]];
            unknown |= !_known[values[i]];
        }
        return !unknown;
    }

    private bool MapColors(ReadOnlySpan<byte> pixels, Span<byte> indices)
    {
        var (last, index) = (-1, (byte)0);
        for (var i = 0; i < indices.Length; i++)
        {
            var color = pixels[3 * i] << 16 | pixels[3 * i + 1] << 8 | pixels[3 * i + 2];
            if (color != last) // neighbours mostly agree
            {
                if (Find(color) is not { } found)
                    return false;
                (last, index) = (color, found);
            }
            indices[i] = index;
        }
        return true;
    }
}
