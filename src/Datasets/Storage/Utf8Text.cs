using System.Text;

namespace Tessera.Datasets.Storage;

/// <summary>Text of files, which is UTF-8 or nothing.</summary>
public static class Utf8Text
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <returns>null where the bytes are no UTF-8.</returns>
    internal static string? Of(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>The text of a file.</summary>
    /// <param name="path">For messages.</param>
    /// <exception cref="UserErrorException">It is no UTF-8, with the line.</exception>
    public static string Read(ReadOnlySpan<byte> bytes, string path)
    {
        try
        {
            // UTF-16 of plain letters is UTF-8, too, with a NUL beside each.
            return bytes.IndexOf((byte)0) is >= 0 and var nul ? throw Wrong(bytes, path, nul, 0, null) : s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw Wrong(bytes, path, e.Index, e.BytesUnknown?.FirstOrDefault() ?? 0, e);
        }
    }

    private static UserErrorException Wrong(ReadOnlySpan<byte> bytes, string path, int at, byte value, Exception? cause)
    {
        var line = 1 + bytes[..Math.Clamp(at, 0, bytes.Length)].Count((byte)'\n');
        var text =
            $"{path}:{line}  is no UTF-8 (the byte 0x{value:X2}): write the file as UTF-8; in another encoding, such as Latin-1 or "
            + "UTF-16, names would be lost.";
        return cause is null ? new UserErrorException(text) : new UserErrorException(text, cause);
    }
}
