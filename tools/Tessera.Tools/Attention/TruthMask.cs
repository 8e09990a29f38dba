using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Attention;

/// <summary>Which pixels of an image are foreground, from a file: 0 is background, any other value foreground. Beside other values, 255 is
/// left out of the count; a mask of 0 and 255 alone has its foreground there.</summary>
internal sealed class TruthMask
{
    private readonly byte[] _kinds; // 0 background, 1 foreground, 2 left out

    private TruthMask(byte[] kinds) => _kinds = kinds;

    /// <param name="photograph">The image that it belongs to.</param>
    /// <exception cref="UserErrorException">It is no such mask, or of another size.</exception>
    public static TruthMask Load(string path, Image photograph)
    {
        var mask = LabelFile.Decode(ImageCodec.ReadFile(path), path, byColor: false);
        if ((mask.Height, mask.Width) != (photograph.Height, photograph.Width))
            throw new UserErrorException(
                $"{path}: the mask has {mask.Width} x {mask.Height} pixels; the image has {photograph.Width} x {photograph.Height}."
            );
        const int leftOut = byte.MaxValue;
        int[] values =
            mask.Type == PixelType.UInt8 ? Array.ConvertAll(mask.Bytes, value => (int)value) : [.. mask.Pixels<ushort>().ToArray()];
        var others = Array.Exists(values, value => value is not (0 or leftOut));
        byte[] kinds =
        [
            .. values.Select(value =>
                (byte)(
                    value == 0 ? 0
                    : value == leftOut && others ? 2
                    : 1
                )
            ),
        ];
        return Array.IndexOf(kinds, (byte)1) >= 0
            ? new TruthMask(kinds)
            : throw new UserErrorException($"{path}: the mask has no foreground: all of its values are 0{(others ? " or 255" : "")}.");
    }

    /// <summary>Intersection over union of the foregrounds, and of the backgrounds; not a number where both are empty.</summary>
    public (double Foreground, double Background) IoU(IReadOnlyList<bool> foreground)
    {
        int both = 0,
            neither = 0,
            counted = 0;
        for (var i = 0; i < _kinds.Length; i++)
        {
            if (_kinds[i] == 2)
                continue;
            counted++;
            if (foreground[i] == (_kinds[i] == 1))
                _ = foreground[i] ? both++ : neither++;
        }
        return ((double)both / (counted - neither), (double)neither / (counted - both));
    }
}
