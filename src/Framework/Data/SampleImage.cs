namespace Tessera.Framework.Data;

/// <summary>
/// The image of a sample on its way through the pipeline: a file whose pixels are not decoded yet, or pixels, with a normalization that is
/// still to be applied. Each step does only what it needs.
/// </summary>
public sealed class SampleImage
{
    private readonly bool _mayReduce;
    private Image? _pixels;
    private EncodedImage? _encoded;
    private Normalization? _normalization;

    /// <summary>An image whose pixels are there.</summary>
    public SampleImage(Image pixels) => _pixels = pixels;

    /// <summary>An image whose pixels will be decoded when a step first needs them.</summary>
    /// <param name="mayReduce">A step that shrinks the image may have it decoded at a reduced size: in training.</param>
    public SampleImage(EncodedImage encoded, bool mayReduce) => (_encoded, _mayReduce) = (encoded, mayReduce);

    /// <summary>Rows and columns, known without decoding.</summary>
    public (int Height, int Width) Size => _pixels is not null ? (_pixels.Height, _pixels.Width) : (_encoded!.Height, _encoded.Width);

    /// <summary>The image while its pixels are not decoded; null afterwards.</summary>
    public EncodedImage? Encoded => _encoded;

    /// <summary>The pixels: decoded now, at full size, where they aren't yet, and normalized where that is pending.</summary>
    public Image Decode()
    {
        var pixels = DecodeAt(1);
        if (_normalization is not null)
            (_pixels, _normalization) = (pixels = _normalization.Apply(pixels), null);
        return pixels;
    }

    /// <summary>
    /// The pixels for a step that shrinks the image: in training, where they are not decoded yet, at the smallest reduced size that is at
    /// least <paramref name="scale"/> of the full one; otherwise as they are. They stand for an image of <see cref="Size"/> as it was
    /// before the call.
    /// </summary>
    /// <param name="scale">The fraction of the image's pixels, along an axis, that the step will keep.</param>
    public Image DecodeAtLeast(double scale)
    {
        _ = DecodeAt(Denominator(scale));
        return Decode();
    }

    /// <summary>The largest 1, 2, 4 or 8 by which the decoder may divide the sides of an image that a step will shrink; 1 in
    /// evaluation.</summary>
    /// <param name="scale">The fraction of the image's pixels, along an axis, that the step will keep.</param>
    public int Denominator(double scale)
    {
        var denominator = 1;
        while (_mayReduce && denominator < 8 && scale * denominator * 2 <= 1)
            denominator *= 2;
        return denominator;
    }

    /// <summary>Notes a normalization, to be applied when the pixels are next read or the batch is made.</summary>
    public void Normalize(Normalization normalization)
    {
        _ = Decode();
        _normalization = normalization;
    }

    /// <summary>The pixels as they are stored, and the normalization still to be applied (<see cref="Normalization.WritePlanes"/>): what a
    /// batch is made of.</summary>
    public (Image Pixels, Normalization Pending) Take() => (DecodeAt(1), _normalization ?? Normalization.None);

    private Image DecodeAt(int denominator)
    {
        if (_encoded is not null)
            (_pixels, _encoded) = (_encoded.Decode(denominator), null);
        return _pixels!;
    }
}
