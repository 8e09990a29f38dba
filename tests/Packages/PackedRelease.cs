using System.Globalization;
using System.IO.Compression;
using System.Reflection.Metadata;
using System.Xml.Linq;

namespace Tessera.Tests.Packages;

/// <summary>
/// The packages of this tree, made once, and what a user makes of them: a project from the template, the tool. Everything lies in a
/// temporary folder whose NuGet.config knows the packages and nuget.org alone; the version is one that no cache knows.
/// </summary>
public sealed class PackedRelease : IDisposable
{
    private readonly Lazy<string> _packages,
        _project,
        _tool;

    public PackedRelease()
    {
        _packages = new(Pack);
        _project = new(MakeProject);
        _tool = new(InstallTool);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-packages-").FullName;

    public string Version { get; } = "0.1.0-test." + DateTime.UtcNow.ToString("yyMMddHHmmss", CultureInfo.InvariantCulture).TrimStart('0');

    /// <summary>The folder of .nupkg files.</summary>
    public string Packages => _packages.Value;

    /// <summary>A project made by the template, built; its name is Tiny.</summary>
    public string Project => _project.Value;

    /// <summary>The command tessera.</summary>
    public string Tool => _tool.Value;

    public string PathOf(string id, string extension = ".nupkg") => Path.Combine(Packages, $"{id}.{Version}{extension}");

    /// <summary>The names of the files in a package.</summary>
    public IReadOnlyList<string> Files(string id, string extension = ".nupkg")
    {
        using var package = ZipFile.OpenRead(PathOf(id, extension));
        return [.. package.Entries.Select(entry => entry.FullName)];
    }

    /// <summary>How many source files lie within the symbols of a package.</summary>
    public int EmbeddedSources(string id)
    {
        var embeddedSource = new Guid("0E8A571B-6926-466E-B4AD-8AB04611F5FE"); // the portable PDB format's name of it
        using var package = ZipFile.OpenRead(PathOf(id, ".snupkg"));
        using var symbols = new MemoryStream();
        using (var entry = package.GetEntry($"lib/net10.0/{id}.pdb")!.Open())
            entry.CopyTo(symbols);
        symbols.Position = 0;
        using var provider = MetadataReaderProvider.FromPortablePdbStream(symbols);
        var reader = provider.GetMetadataReader();
        return reader.CustomDebugInformation.Count(at => reader.GetGuid(reader.GetCustomDebugInformation(at).Kind) == embeddedSource);
    }

    public XElement Nuspec(string id)
    {
        using var package = ZipFile.OpenRead(PathOf(id));
        using var text = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XElement.Load(text);
    }

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        var restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set
            ? set
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (var package in Directory.Exists(restored) ? Directory.GetDirectories(restored, "tessera*") : [])
            if (Path.Combine(package, Version) is var version && Directory.Exists(version))
                Directory.Delete(Directory.GetDirectories(package).Length == 1 ? package : version, recursive: true);
    }

    private string Pack()
    {
        var packages = Directory.CreateDirectory(Path.Combine(Folder, "packages")).FullName;
        var artifacts = Path.Combine(Folder, "artifacts");
        Shell
            .Dotnet(
                FixtureFile.Repository,
                "pack",
                "Tessera.slnx",
                "-c",
                "Release",
                "-v",
                "q",
                $"-p:ArtifactsPath={artifacts}",
                $"-p:PackageOutputPath={packages}",
                $"-p:VersionSuffix={Version["0.1.0-".Length..]}",
                "-p:ContinuousIntegrationBuild=true"
            )
            .Succeeds();
        Directory.Delete(artifacts, recursive: true);
        File.WriteAllText(
            Path.Combine(Folder, "NuGet.config"),
            $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="this release" value="{packages}" />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" protocolVersion="3" />
              </packageSources>
            </configuration>
            """
        );
        return packages;
    }

    private string MakeProject()
    {
        New("install", PathOf("Tessera.Templates")).Succeeds();
        New("tessera-project", "-n", "Tiny", "-o", Path.Combine(Folder, "Tiny")).Succeeds();
        var project = Path.Combine(Folder, "Tiny");
        Shell.Dotnet(project, "build", "Tiny.slnx", "-v", "q").Succeeds();
        return project;
    }

    /// <summary>dotnet new, with a list of templates of its own.</summary>
    internal Said New(params string[] arguments) =>
        Shell.Dotnet(Folder, ["new", .. arguments, "--debug:custom-hive", Path.Combine(Folder, "hive")]);

    private string InstallTool()
    {
        _ = Packages;
        var folder = Path.Combine(Folder, "tool");
        Shell.Dotnet(Folder, "tool", "install", "Tessera.Cli", "--version", Version, "--tool-path", folder).Succeeds();
        return Path.Combine(folder, "tessera");
    }
}
