namespace Tessera.Datasets.Images.Codecs;

/// <summary>Which decoder reads JPEG files.</summary>
internal static class JpegDecoders
{
    /// <summary>"auto" (the default), "skia" or "turbojpeg".</summary>
    public const string Variable = "TESSERA_JPEG_DECODER";

    private static readonly Lazy<JpegDecoder> Chosen = new(() => Parse(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>In words, for logs.</summary>
    public static string Description =>
        UsesTurboJpeg(JpegDecoder.Auto)
            ? $"libjpeg-turbo ({TurboJpeg.LibraryName})"
            : $"Skia{(Chosen.Value == JpegDecoder.Auto ? $" ({TurboJpeg.Problem})" : $" ({Variable}=skia)")}";

    /// <exception cref="UserErrorException">libjpeg-turbo was asked for and can't be used, or the variable's value is unknown.</exception>
    public static bool UsesTurboJpeg(JpegDecoder decoder)
    {
        if (decoder == JpegDecoder.Auto)
            decoder = Chosen.Value;
        return decoder != JpegDecoder.Skia && Usable(decoder, TurboJpeg.Problem);
    }

    /// <param name="problem">Why libjpeg-turbo can't be used; null if it can.</param>
    internal static bool Usable(JpegDecoder decoder, string? problem) =>
        problem is null
        || (
            decoder == JpegDecoder.TurboJpeg
                ? throw new UserErrorException(
                    $"The JPEG decoder \"turbojpeg\" was asked for and can't be used: {problem}. \"auto\" takes Skia's then."
                )
                : false
        );

    /// <param name="value">The variable's value.</param>
    internal static JpegDecoder Parse(string? value) =>
        value?.Trim().ToLowerInvariant() switch
        {
            null or "" or "auto" => JpegDecoder.Auto,
            "skia" => JpegDecoder.Skia,
            "turbojpeg" => JpegDecoder.TurboJpeg,
            _ => throw new UserErrorException($"{Variable} is \"{value}\"; auto, skia or turbojpeg was expected."),
        };
}
