using System.Text.Json;

namespace Tessera.Tests;

/// <summary>Files of tests/Fixtures, found from the test assembly upwards.</summary>
internal static class FixtureFile
{
    public static string Root { get; } = Path.Combine(FindRepository(), "tests", "Fixtures");

    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    public static JsonElement Json(params string[] parts) => JsonDocument.Parse(File.ReadAllText(At(parts))).RootElement;

    /// <summary>The repository's root folder.</summary>
    public static string Repository => Path.GetFullPath(Path.Combine(Root, "..", ".."));

    private static string FindRepository()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Tessera.slnx")))
                return folder;
        throw new InvalidOperationException("Tessera.slnx is in no folder above the test assembly.");
    }
}
