using Tessera.Framework.Errors;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>One message for each way in which an image file can be unusable. Each names the file.</summary>
internal static class ImageErrors
{
    public static UserErrorException Empty(string name) => new($"{name}: the file is empty; an image was expected.");

    public static UserErrorException UnknownFormat(string name, ReadOnlySpan<byte> data) =>
        new($"{name}: not an image that can be read; it begins with {Begin(data)}. JPEG, PNG, WebP, BMP and TIFF were expected.");

    public static UserErrorException UnreadableFormat(string name, string format) =>
        new($"{name}: {format} files can't be read. JPEG, PNG, WebP, BMP and TIFF were expected; convert it.");

    public static UserErrorException Truncated(string name, string format, string? detail = null) =>
        new($"{name}: the {format} file is truncated{(detail is null ? "" : $" ({detail})")}. Fetch it again.");

    public static UserErrorException Damaged(string name, string format, string detail) =>
        new($"{name}: the {format} file is damaged ({detail.TrimEnd('.')}).");

    public static UserErrorException TooLarge(string name, long width, long height, long limit) =>
        new(
            $"{name}: the image says it has {width:N0} x {height:N0} pixels; at most {limit:N0} in all are read. Raise max_pixels of "
                + $"LoadImage if that is meant."
        );

    public static UserErrorException TooLargeForMemory(string name, long width, long height, long limit) =>
        new($"{name}: the image says it has {width:N0} x {height:N0} pixels; more than {limit:N0} in all can't be held.");

    public static UserErrorException Unsupported(string name, string what, string advice) => new($"{name}: {what}. {advice}");

    private static string Begin(ReadOnlySpan<byte> data)
    {
        var head = data[..Math.Min(12, data.Length)];
        var text = true;
        foreach (var b in head)
            text &= b is >= 0x20 and < 0x7F or (byte)'\n' or (byte)'\r' or (byte)'\t';
        return text
            ? $"the text \"{System.Text.Encoding.ASCII.GetString(head).ReplaceLineEndings(" ").Replace('\t', ' ')}\""
            : $"the bytes {Convert.ToHexString(head)}";
    }
}
