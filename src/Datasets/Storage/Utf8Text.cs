using System.Text;

namespace Tessera.Datasets.Storage;

/// <summary>Text of files, which is UTF-8 or nothing.</summary>
internal static class Utf8Text
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <returns>null where the bytes are no UTF-8.</returns>
    public static string? Of(ReadOnlySpan<byte> bytes)
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
}
