using SkiaSharp;

namespace Tessera.Framework.Visualization;

/// <summary>DejaVu Sans 2.37, which lies in this assembly: a system's fonts are never asked, so a picture is the same on every machine and its text can't be missing.</summary>
internal static class EmbeddedFonts
{
    // Typefaces don't change and may be shared by threads.
    private static readonly Lazy<SKTypeface> s_regular = new(() => Load("DejaVuSans.ttf")), s_bold = new(() => Load("DejaVuSans-Bold.ttf"));

    /// <exception cref="UserErrorException">SkiaSharp's native library can't be loaded.</exception>
    internal static SKTypeface Regular => s_regular.Value;

    /// <exception cref="UserErrorException">SkiaSharp's native library can't be loaded.</exception>
    internal static SKTypeface Bold => s_bold.Value;

    private static SKTypeface Load(string file)
    {
        var name = $"{typeof(EmbeddedFonts).Namespace}.Fonts.{file}";
        using var stream = typeof(EmbeddedFonts).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"The resource {name} is missing.");
        try
        {
            using var data = SKData.Create(stream);
            return SKTypeface.FromData(data) ?? throw new InvalidOperationException($"The resource {name} is no font.");
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            throw new UserErrorException($"The library libSkiaSharp, which draws pictures, can't be loaded here: {error.GetBaseException().Message}");
        }
    }
}
