using System.Security.Cryptography;
using System.Text;

namespace Tessera.Tools.Pages;

/// <summary>A page that is one file: styles, scripts and pictures within it, and nothing loaded from elsewhere, which it forbids the
/// browser, too.</summary>
internal sealed class HtmlPage(string title)
{
    private readonly StringBuilder _body = new();
    private readonly List<string> _scripts = [];
    private readonly StringBuilder _styles = new();

    /// <summary>Whether the page may fetch data and pictures from the server that it came from; nothing from elsewhere in any
    /// case.</summary>
    public bool AsksItsServer { get; init; }

    public void Add(Html piece) => _body.Append(piece.Markup).Append('\n');

    /// <param name="asset">A file of this folder.</param>
    public void Style(string asset) => _styles.Append(PageAsset.Read(asset));

    /// <param name="asset">A file of this folder; it runs once the page is there.</param>
    public void Script(string asset) => _scripts.Add(PageAsset.Read(asset));

    public override string ToString() =>
        $$"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="{{Policy()}}">
            <meta name="referrer" content="no-referrer">
            <link rel="icon" href="data:,">
            <title>{{Html.Escape(title)}}</title>
            <style>
            {{_styles}}</style>
            </head>
            <body>
            {{_body}}{{string.Concat(_scripts.Select(script => $"<script>{script}</script>\n"))}}</body>
            </html>

            """;

    /// <summary>Only these very scripts run, whatever a stranger's text may hold.</summary>
    private string Policy()
    {
        var hashes = _scripts.Select(script => $" 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'");
        var scripts = _scripts.Count > 0 ? string.Concat(hashes) : " 'none'";
        var own = AsksItsServer ? " 'self'" : "";
        var connects = AsksItsServer ? " connect-src 'self';" : "";
        return $"default-src 'none'; img-src data:{own}; style-src 'unsafe-inline';{connects} base-uri 'none'; form-action 'none'; "
            + $"script-src{scripts}";
    }
}
