using Tessera.Framework.Data;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>Shares a page's bytes out among its pictures, so that it can be sent.</summary>
/// <param name="bytes">Of all pictures together, as files.</param>
/// <param name="pictures">How many there may be.</param>
internal sealed class PictureBudget(int bytes, int pictures)
{
    private const int Most = 160_000; // of one picture: more shows no more

    private int _bytes = bytes;
    private int _left = Math.Max(1, pictures);

    /// <summary>An element with the picture in it.</summary>
    /// <param name="words">For who can't see it.</param>
    /// <param name="longest">Pixels of its longer side, at most.</param>
    public Html Show(Image image, string words, int longest)
    {
        var jpeg = PagePicture.Encode(image, longest, Math.Min(Most, _bytes / _left));
        _bytes -= jpeg.Length;
        _left = Math.Max(1, _left - 1);
        return Html.Of(
            $"<img alt=\"{words}\" width=\"{image.Width}\" height=\"{image.Height}\" src=\"{new Html(PagePicture.Address(jpeg))}\">"
        );
    }
}
