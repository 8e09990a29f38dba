namespace Tessera.Tools.Pages;

/// <summary>Styles and scripts of pages, which are files of this folder and lie in the assembly.</summary>
internal static class PageAsset
{
    /// <summary>The file's text.</summary>
    public static string Read(string name)
    {
        var stream =
            typeof(PageAsset).Assembly.GetManifestResourceStream($"{typeof(PageAsset).Namespace}.{name}")
            ?? throw new ArgumentException($"There is no {name} among the files of pages.", nameof(name));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n"); // as a browser reads it, so that its hash is right
    }
}
