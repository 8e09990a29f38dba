namespace Tessera.Framework.Data;

/// <summary>Names of classes, compared as people read them.</summary>
public static class ClassNames
{
    /// <summary>The name in Unicode's composed form (NFC): macOS writes "é" in folder names as two characters, other systems as
    /// one.</summary>
    public static string Normalize(string name) => UnicodeComposition.Compose(name);

    /// <summary>Each name in the composed form.</summary>
    public static IReadOnlyList<string> Normalize(IReadOnlyList<string> names) =>
        names.All(name => ReferenceEquals(Normalize(name), name)) ? names : [.. names.Select(Normalize)];
}
