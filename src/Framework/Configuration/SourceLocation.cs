namespace Tessera.Framework.Configuration;

/// <summary>Where a value was written: a line of a file, or a place without lines such as the command line.</summary>
/// <param name="Name">Full path of the file, or the name of the place: <c>--cfg-options</c>, <c>TESSERA_DATA_ROOT</c>.</param>
/// <param name="Line">The line, from 1; 0 where there are no lines.</param>
public sealed record SourceLocation(string Name, int Line)
{
    public static readonly SourceLocation CommandLine = new("--cfg-options", 0);

    /// <summary>True for a file on disk.</summary>
    public bool IsFile => Line > 0 && Path.IsPathRooted(Name);

    /// <summary>The name as shown to the user: relative where the file lies below the current directory.</summary>
    public string DisplayName => IsFile ? Display(Name) : Name;

    public override string ToString() => Line > 0 ? $"{DisplayName}:{Line}" : DisplayName;

    /// <summary>A path as shown to the user: relative where it lies below the current directory.</summary>
    public static string Display(string path)
    {
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }
}
