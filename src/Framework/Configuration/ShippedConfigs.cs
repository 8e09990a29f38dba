namespace Tessera.Framework.Configuration;

/// <summary>
/// The configs that travel with Tessera, named by <c>"_base_": "tessera:resnet/resnet18_imagefolder.json"</c>. They lie in a folder
/// <c>configs</c> beside the program (the tool's package, a program that references the package Tessera), or in the repository that the
/// program was built in.
/// </summary>
internal static class ShippedConfigs
{
    public const string Prefix = "tessera:";

    private const string Runtime = "runtime.json"; // by this file of configs/_base_ the folder is known

    private static readonly Lazy<string?> s_folder = new(() => Find([AppContext.BaseDirectory, Beside]));

    /// <summary>The folder; null where there is none.</summary>
    public static string? Folder => s_folder.Value;

    private static string Beside => Path.GetDirectoryName(typeof(ShippedConfigs).Assembly.Location) ?? "";

    public static bool IsNamed(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The full path of a shipped config.</summary>
    /// <param name="name">With the prefix.</param>
    /// <param name="mistake">What is wrong with the name, where the result is null.</param>
    public static string? PathOf(string name, out string mistake) => PathOf(name, Folder, out mistake);

    internal static string? PathOf(string name, string? folder, out string mistake)
    {
        mistake = "";
        if (folder is null)
        {
            mistake = ConfigErrors.NoShippedConfigs(name);
            return null;
        }
        var path = Path.GetFullPath(name[Prefix.Length..], folder);
        var inside = path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        if (inside && File.Exists(path))
            return path;
        mistake = ConfigErrors.NoSuchShippedConfig(name, Names(folder));
        return null;
    }

    /// <summary>All names that a base may have, with the prefix.</summary>
    internal static IReadOnlyList<string> Names(string folder) =>
        [
            .. Directory
                .EnumerateFiles(folder, "*.json", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
                .Where(file => file != "schema.json")
                .Order(StringComparer.Ordinal)
                .Select(file => Prefix + file),
        ];

    /// <summary>The first folder "configs" in one of the folders or above.</summary>
    internal static string? Find(IEnumerable<string> starts)
    {
        foreach (var start in starts.Where(start => start.Length > 0))
        {
            var beside = Path.Combine(Path.GetFullPath(start), "configs");
            if (Holds(beside))
                return beside;
            for (var folder = Path.GetFullPath(start); folder is not null; folder = Path.GetDirectoryName(folder))
                if (File.Exists(Path.Combine(folder, "Tessera.slnx")) && Holds(Path.Combine(folder, "configs")))
                    return Path.Combine(folder, "configs");
        }
        return null;
    }

    private static bool Holds(string configs) => File.Exists(Path.Combine(configs, "_base_", Runtime));
}
