using System.Text;

namespace Tessera.Datasets.Storage;

/// <summary>Names of files in archives.</summary>
internal static class EntryName
{
    /// <summary>UTF-8 where it is that, otherwise byte for byte; what could confuse a terminal is replaced.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var name = Utf8Text.Of(bytes) ?? Encoding.Latin1.GetString(bytes);
        name = string.Create(
            name.Length,
            name,
            static (span, source) =>
            {
                for (var i = 0; i < span.Length; i++)
                    span[i] =
                        source[i] == '\\' ? '/'
                        : char.IsControl(source[i]) ? '?'
                        : source[i];
            }
        );
        while (name.StartsWith("./", StringComparison.Ordinal))
            name = name[2..];
        return name.TrimStart('/');
    }
}
