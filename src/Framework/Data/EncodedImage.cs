namespace Tessera.Framework.Data;

/// <summary>An image whose header has been read and whose pixels have not. Decoding waits until a step knows how many pixels it
/// needs.</summary>
public abstract class EncodedImage
{
    /// <summary>Rows of the decoded image, orientation applied.</summary>
    public abstract int Height { get; }

    /// <summary>Columns of the decoded image, orientation applied.</summary>
    public abstract int Width { get; }

    /// <summary>Decodes at full size.</summary>
    public Image Decode() => Decode(1);

    /// <summary>Decodes at 1 / <paramref name="denominator"/> of the size (rounded up) where the format can, otherwise at full
    /// size.</summary>
    /// <param name="denominator">1, 2, 4 or 8.</param>
    public abstract Image Decode(int denominator);
}
