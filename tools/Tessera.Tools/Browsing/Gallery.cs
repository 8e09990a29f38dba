using Tessera.Framework.Files;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Browsing;

/// <summary>One HTML page that holds its pictures itself. Every text is a stranger's and is escaped.</summary>
internal sealed class Gallery(string title)
{
    private readonly List<Html> _entries = [];

    /// <param name="jpeg">A JPEG file.</param>
    /// <param name="link">A file beside the page with the picture in full.</param>
    public void Add(string name, string text, byte[] jpeg, string link) =>
        _entries.Add(
            Html.Of(
                $"<figure><figcaption><b>{name}</b> {text}</figcaption><a href=\"{Address(link)}\"><img loading=\"lazy\" "
                    + $"alt=\"{name}\" src=\"{PagePicture.Address(jpeg)}\"></a></figure>"
            )
        );

    /// <summary>What follows belongs to it.</summary>
    public void AddHeading(string text) => _entries.Add(Html.Of($"<h2>{text}</h2>"));

    public void AddFailure(string name, string reason) =>
        _entries.Add(Html.Of($"<figure class=\"bad\"><figcaption><b>{name}</b> {reason}</figcaption></figure>"));

    public void Write(string path) => AtomicFile.WriteText(path, ToPage());

    /// <summary>The page.</summary>
    public string ToPage()
    {
        var page = new HtmlPage(title);
        page.Style("gallery.css");
        page.Add(Html.Of($"<h1>{title}</h1>"));
        page.Add(Html.Join(_entries));
        return page.ToString();
    }

    private static string Address(string link) => string.Join('/', link.Split('/', '\\').Select(Uri.EscapeDataString));
}
