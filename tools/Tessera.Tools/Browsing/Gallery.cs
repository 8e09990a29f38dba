using System.Net;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Files;

namespace Tessera.Tools.Browsing;

/// <summary>One HTML page that holds its pictures itself. Every text is a stranger's and is escaped.</summary>
internal sealed class Gallery(string title)
{
    private readonly List<string> _entries = [];

    /// <param name="jpeg">A JPEG file.</param>
    /// <param name="link">A file beside the page with the picture in full.</param>
    public void Add(string name, string text, byte[] jpeg, string link) =>
        _entries.Add(
            $"<figure><figcaption><b>{Escape(name)}</b> {Escape(text)}</figcaption><a "
                + $"href=\"{Escape(string.Join('/', link.Split('/', '\\').Select(Uri.EscapeDataString)))}\"><img loading=\"lazy\" "
                + $"alt=\"{Escape(name)}\" src=\"data:image/jpeg;base64,{Convert.ToBase64String(jpeg)}\"></a></figure>"
        );

    /// <summary>What follows belongs to it.</summary>
    public void AddHeading(string text) => _entries.Add($"<h2>{Escape(text)}</h2>");

    public void AddFailure(string name, string reason) =>
        _entries.Add($"<figure class=\"bad\"><figcaption><b>{Escape(name)}</b> {Escape(reason)}</figcaption></figure>");

    public void Write(string path) => AtomicFile.WriteText(path, Html());

    /// <summary>The page.</summary>
    public string Html() =>
        $$"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>{{Escape(title)}}</title>
            <style>
            body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #f4f4f2; }
            figure { margin: 0 0 1.5em; padding: .8em; background: white; border-radius: 6px; box-shadow: 0 1px 3px #0003; }
            figcaption { margin-bottom: .5em; overflow-wrap: anywhere; }
            img { max-width: 100%; height: auto; }
            .bad { border-left: 5px solid #c33; }
            </style>
            </head>
            <body>
            <h1>{{Escape(title)}}</h1>
            {{string.Join('\n', _entries)}}
            </body>
            </html>

            """;

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
