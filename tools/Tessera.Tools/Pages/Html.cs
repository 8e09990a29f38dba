using System.Net;
using Tessera.Framework.Messages;

namespace Tessera.Tools.Pages;

/// <summary>A piece of a page. What an interpolated text puts into it is escaped, unless it is a piece itself; so names of classes and
/// files, which are strangers', can't become markup.</summary>
/// <param name="Markup">HTML.</param>
internal readonly record struct Html(string Markup)
{
    public static Html Empty { get; } = new("");

    /// <summary>Whether there is anything to show.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(Markup);

    /// <summary>Markup with holes: <c>Html.Of($"&lt;b&gt;{name}&lt;/b&gt;")</c>.</summary>
    public static Html Of(HtmlText text) => text.Finish();

    /// <summary>Pieces one after another.</summary>
    public static Html Join(IEnumerable<Html> pieces) => new(string.Join('\n', pieces.Select(piece => piece.Markup)));

    /// <summary>For content and for quoted attributes; control characters become visible.</summary>
    public static string Escape(string? text) => WebUtility.HtmlEncode(VisibleText.Of(text ?? ""));

    public override string ToString() => Markup ?? "";
}
