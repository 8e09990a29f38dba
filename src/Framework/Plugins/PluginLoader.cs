using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.Loader;
using System.Security.Cryptography;

namespace Tessera.Framework.Plugins;

/// <summary>A plugin that was loaded.</summary>
/// <param name="Path">The file that the user named.</param>
/// <param name="Sha256">Of that file; for a project, of all its sources.</param>
/// <param name="Assembly">What came of it.</param>
public sealed record LoadedPlugin(string Path, string Sha256, Assembly Assembly)
{
    public override string ToString() => $"plugin {SourceLocation.Display(Path)} (SHA-256 {Sha256})";
}

/// <summary>
/// Loads plugins: assemblies as they are, projects and single source files after building them against the assemblies that
/// run. This is the one way by which a config brings code; only what the user named gets here, see <see cref="ConfigDocument.Plugins"/>.
/// </summary>
public static class PluginLoader
{
    /// <summary>Loads one plugin.</summary>
    /// <param name="note">Told what is done (building takes seconds the first time).</param>
    /// <exception cref="UserErrorException">The file is missing, doesn't build, or was built for the tensor layer of earlier
    /// releases.</exception>
    public static LoadedPlugin Load(PluginReference plugin, Action<string>? note = null)
    {
        if (!File.Exists(plugin.Path))
            throw PluginErrors.At(plugin, PluginErrors.Missing(plugin.Path));
        try
        {
            var (assembly, sha256) = Path.GetExtension(plugin.Path).ToLowerInvariant() switch
            {
                ".dll" => (plugin.Path, Hash(plugin.Path)),
                ".cs" or ".csproj" => PluginBuild.Build(plugin, note),
                _ => throw PluginErrors.At(plugin, PluginErrors.WrongKind(plugin.Path)),
            };
            Check(plugin, assembly);
            // A program may name itself as the plugin; a second copy's types would not be the program's.
            var loaded =
                AssemblyLoadContext.Default.Assemblies.FirstOrDefault(known => !known.IsDynamic && known.Location == assembly)
                ?? new PluginContext(assembly).LoadFromAssemblyPath(assembly);
            return new LoadedPlugin(plugin.Path, sha256, loaded);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or BadImageFormatException)
        {
            throw PluginErrors.At(plugin, PluginErrors.NotLoaded(plugin.Path, exception.Message));
        }
    }

    /// <summary>Adds a plugin's components.</summary>
    /// <exception cref="UserErrorException">It was built against another version of Tessera.</exception>
    public static IReadOnlyList<ComponentDescription> AddTo(ComponentRegistry registry, LoadedPlugin plugin)
    {
        try
        {
            return registry.Add(plugin.Assembly);
        }
        catch (Exception exception) when (exception is ReflectionTypeLoadException or TypeLoadException or FileNotFoundException)
        {
            var cause = (exception as ReflectionTypeLoadException)?.LoaderExceptions.FirstOrDefault() ?? exception;
            throw new UserErrorException($"{SourceLocation.Display(plugin.Path)}\n  {PluginErrors.OtherVersion(cause.Message)}", exception);
        }
    }

    internal static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static void Check(PluginReference plugin, string assembly)
    {
        using var reader = new PEReader(File.OpenRead(assembly));
        if (!reader.HasMetadata)
            throw PluginErrors.At(plugin, PluginErrors.NotLoaded(plugin.Path, "it is no .NET assembly."));
        var metadata = reader.GetMetadataReader();
        // Earlier releases had TorchSharp's types in an assembly of their own, Tessera.Torch.
        if (
            metadata
                .TypeReferences.Select(metadata.GetTypeReference)
                .Any(type =>
                    type.ResolutionScope.Kind == HandleKind.AssemblyReference
                    && metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)
                        == "Tessera.Torch"
                    && metadata.GetString(type.Namespace).StartsWith("TorchSharp", StringComparison.Ordinal)
                )
        )
            throw PluginErrors.At(plugin, PluginErrors.OldTensorLayer(plugin.Path));
    }

    /// <summary>Resolves what Tessera has to Tessera's own, so that types are the same; the rest beside the plugin.</summary>
    private sealed class PluginContext(string path) : AssemblyLoadContext($"plugin {Path.GetFileName(path)}")
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName name)
        {
            try
            {
                return Default.LoadFromAssemblyName(name);
            }
            catch (FileNotFoundException)
            {
                return _resolver.ResolveAssemblyToPath(name) is { } found ? LoadFromAssemblyPath(found) : null;
            }
        }

        protected override nint LoadUnmanagedDll(string name) =>
            _resolver.ResolveUnmanagedDllToPath(name) is { } found ? LoadUnmanagedDllFromPath(found) : 0;
    }
}
