using System.Globalization;
using System.Text;

namespace Tessera.Tools.Boards;

/// <summary>What a board answers to a request.</summary>
/// <param name="Status">Of HTTP, with its words.</param>
/// <param name="Type">Of the content.</param>
internal sealed record BoardAnswer(string Status, string Type, ReadOnlyMemory<byte> Content)
{
    /// <summary>What tells whether the content has changed; null: it isn't told.</summary>
    public string? Tag { get; init; }

    public static BoardAnswer Text(string type, string text, string? tag = null) =>
        new("200 OK", type, Encoding.UTF8.GetBytes(text)) { Tag = tag };

    /// <summary>The content is still what the browser has.</summary>
    public static BoardAnswer Unchanged(string tag) => new("304 Not Modified", "text/plain", ReadOnlyMemory<byte>.Empty) { Tag = tag };

    public static BoardAnswer Refusal(string status, string text) =>
        new(status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>As it is sent: head and content. No other page may frame, read or keep it.</summary>
    public byte[] ToBytes()
    {
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {Status}\r\nContent-Type: {Type}\r\nContent-Length: {Content.Length}\r\n{(Tag is null ? "" : $"ETag: {Tag}\r\n")}"
        );
        const string always =
            "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
            + "Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head + always), .. Content.Span];
    }
}
