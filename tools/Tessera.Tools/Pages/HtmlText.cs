using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tessera.Tools.Pages;

/// <summary>Takes an interpolated text apart for <see cref="Html.Of"/>: literals are markup, the rest is escaped.</summary>
[InterpolatedStringHandler]
internal readonly ref struct HtmlText
{
    private readonly StringBuilder _markup;

    public HtmlText(int literalLength, int formattedCount) => _markup = new StringBuilder(literalLength + (16 * formattedCount));

    public void AppendLiteral(string literal) => _markup.Append(literal);

    public void AppendFormatted(Html piece) => _markup.Append(piece.Markup);

    public void AppendFormatted(IEnumerable<Html> pieces) => _markup.Append(Html.Join(pieces).Markup);

    public void AppendFormatted(string? text) => _markup.Append(Html.Escape(text));

    public void AppendFormatted(int number) => _markup.Append(CultureInfo.InvariantCulture, $"{number}");

    public void AppendFormatted(long number, string? format = null) =>
        _markup.Append(number.ToString(format, CultureInfo.InvariantCulture));

    public void AppendFormatted(double number, string? format = null) =>
        _markup.Append(number.ToString(format, CultureInfo.InvariantCulture));

    internal Html Finish() => new(_markup.ToString());
}
