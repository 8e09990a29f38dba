using SkiaSharp;

namespace Tessera.Framework.Visualization;

/// <summary>
/// DejaVu Sans 2.37, which lies in this assembly. A system's fonts are never asked: pictures look the same everywhere, and their text can't
/// be missing.
/// </summary>
internal static class EmbeddedFonts
{
    // Typefaces don't change and may be shared by threads.
    private static readonly Lazy<SKTypeface> s_regular = new(() => Load("DejaVuSans.ttf")),
        s_bold = new(() => Load("DejaVuSans-Bold.ttf"));

    internal static SKTypeface Regular => s_regular.Value;

    internal static SKTypeface Bold => s_bold.Value;

    private static SKTypeface Load(string file)
    {
        var name = $"{typeof(EmbeddedFonts).Namespace}.Fonts.{file}";
        using var stream =
            typeof(EmbeddedFonts).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is missing.");
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data) ?? throw new InvalidOperationException($"The resource {name} is no font.");
    }
}
