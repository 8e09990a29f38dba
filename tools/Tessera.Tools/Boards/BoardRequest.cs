using System.Text;

namespace Tessera.Tools.Boards;

/// <summary>What a browser asks a board for.</summary>
/// <param name="Path">As it was sent, without what follows a question mark; nothing is decoded.</param>
/// <param name="Host">The name that the browser knows this machine by, without the port; empty where it says none.</param>
/// <param name="Known">The tag of what it has already.</param>
internal sealed record BoardRequest(string Method, string Path, string Host, string? Known)
{
    /// <summary>Of a request's head, which ends with an empty line.</summary>
    /// <returns>null: it is no request of HTTP 1.</returns>
    public static BoardRequest? Parse(ReadOnlySpan<byte> head)
    {
        var lines = Encoding.Latin1.GetString(head).Split("\r\n");
        if (lines[0].Split(' ') is not [var method, ['/', ..] target, "HTTP/1.1" or "HTTP/1.0"])
            return null;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines.Skip(1).TakeWhile(line => line.Length > 0))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (
                colon <= 0
                || !headers.TryAdd(line[..colon], line[(colon + 1)..].Trim())
                    && line.StartsWith("host:", StringComparison.OrdinalIgnoreCase)
            )
                return null; // two hosts may not be told apart by who checks them
        }
        var host = headers.GetValueOrDefault("Host", "");
        return new BoardRequest(method, target.Split('?')[0], host.Split(':')[0], headers.GetValueOrDefault("If-None-Match"));
    }
}
