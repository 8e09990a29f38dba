using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Plugins;
using Tessera.Tests.Framework.Configuration;

namespace Tessera.Tests.Framework.Plugins;

[Collection(PluginTests.Cache)]
public sealed class PluginTests : IDisposable
{
    private const string Source = """
        namespace Mine;

        /// <param name="Factor">By how much.</param>
        public sealed record TwiceOptions([property: Range(1, 9)] int Factor = 2);

        /// <summary>A transform from outside.</summary>
        [Component("Twice")]
        public sealed class Twice(TwiceOptions options) : Tessera.Framework.Data.Transform
        {
            public int Factor => options.Factor;

            public override Tessera.Framework.Data.Sample Apply(Tessera.Framework.Data.Sample sample, Tessera.Framework.Data.RandomSource random) => sample;
        }
        """;

    private readonly ConfigFolder _folder = new();

    /// <summary>The tests that set the cache folder, which is the whole process's, run one after another.</summary>
    internal const string Cache = "XDG_CACHE_HOME";

    private readonly string? _cache = Environment.GetEnvironmentVariable(Cache);

    public PluginTests() => Environment.SetEnvironmentVariable(Cache, Path.Combine(_folder.Root, "cache"));

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Cache, _cache);
        _folder.Dispose();
    }

    [Fact]
    public void SourceFile_IsBuiltOnceAndJoinsByItsName()
    {
        _folder.Write("Twice.cs", Source);
        _folder.Write("c.json", """{ "plugins": ["Twice.cs"], "step": { "type": "Twice", "factor": 3 } }""");
        var document = _folder.Load("c.json");
        var notes = new List<string>();
        var plugin = PluginLoader.Load(document.Plugins[0], notes.Add);
        Assert.Single(notes); // building …
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(plugin.Path))), plugin.Sha256);

        var services = new ServiceCollection().AddPlugin(plugin, document.ToConfiguration()).BuildServiceProvider();
        var builder = services.GetRequiredService<ComponentBuilder>();
        var step = builder.Build(builder.Describe<Tessera.Framework.Data.Transform>(document, "step")); // the host's own base class
        Assert.Equal(3, step.GetType().GetProperty("Factor")!.GetValue(step));
        Assert.Equal("A transform from outside.", XmlDocs.SummaryOf(step.GetType()));

        PluginLoader.Load(document.Plugins[0], notes.Add);
        Assert.Single(notes); // from the cache
    }

    [Fact]
    public void Project_IsBuilt()
    {
        _folder.Write(
            "mine/Mine.csproj",
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <AssemblyName>Mine.Parts</AssemblyName>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
            </Project>
            """
        );
        _folder.Write("mine/Twice.cs", "using System.ComponentModel.DataAnnotations;\nusing Tessera.Framework.Components;\n" + Source);
        var plugin = PluginLoader.Load(Reference("mine/Mine.csproj"));
        Assert.Equal("Mine.Parts", plugin.Assembly.GetName().Name);
        var registry = new ComponentRegistry();
        Assert.Equal("Twice", Assert.Single(PluginLoader.AddTo(registry, plugin)).Name);
    }

    [Fact]
    public void SourceWithErrors_ShowsFileAndLine()
    {
        _folder.Write("Bad.cs", "namespace Mine;\npublic class Bad\n{\n    Strange x;\n    Unknown y;\n}\n");
        var message = ErrorOf("Bad.cs");
        Assert.StartsWith("c.json:1  plugins\n  The plugin can't be built: the build has errors:\n", message, StringComparison.Ordinal);
        Assert.Contains("Bad.cs:4  The type or namespace name 'Strange' could not be found", message, StringComparison.Ordinal);
        Assert.Contains("Bad.cs:5  The type or namespace name 'Unknown' could not be found", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Assembly_BuiltForTheOldTensorLayer_IsRefused()
    {
        WriteAssembly("Foreign.dll", "Tessera.Torch", "TorchSharp");
        Assert.Equal(
            """
            c.json:1  plugins
              Foreign.dll was built for the tensor layer of an earlier release; this Tessera stands on TorchSharp's own assembly.
              Name its .csproj or .cs here instead, which is built against what runs, or build it again.
            """,
            ErrorOf("Foreign.dll")
        );
    }

    [Theory]
    [InlineData("TorchSharp", "TorchSharp")]
    [InlineData("Tessera.Torch", "Tessera.Torch")]
    public void Assembly_OfThisTensorLayer_IsLoaded(string assembly, string typesNamespace)
    {
        WriteAssembly("Ours.dll", assembly, typesNamespace);
        Assert.Equal("Made", PluginLoader.Load(Reference("Ours.dll")).Assembly.GetName().Name);
    }

    [Theory]
    [InlineData("Twise.cs", "There is no plugin Twise.cs. Did you mean \"Twice.cs\"?")]
    [InlineData("no/Twice.cs", "There is no plugin no/Twice.cs: its folder doesn't exist.")]
    [InlineData("notes.txt", "notes.txt is no plugin; expected a .dll, a .csproj or a .cs file.")]
    public void MissingOrOther_IsAnError(string path, string expected)
    {
        _folder.Write("Twice.cs", Source);
        _folder.Write("notes.txt", "");
        Assert.Equal($"c.json:1  plugins\n  {expected}", ErrorOf(path));
    }

    [Fact]
    public void TextNamedDll_IsAnError()
    {
        _folder.Write("x.dll", "not an assembly");
        Assert.StartsWith("c.json:1  plugins\n  The plugin x.dll can't be loaded: ", ErrorOf("x.dll"), StringComparison.Ordinal);
    }

    private PluginReference Reference(string path) =>
        new(Path.Combine(_folder.Root, path), new SourceLocation(Path.Combine(_folder.Root, "c.json"), 1));

    private string ErrorOf(string path) =>
        _folder.Clean(Assert.Throws<UserErrorException>(() => PluginLoader.Load(Reference(path))).Message);

    // An empty assembly that refers to a type of another.
    private void WriteAssembly(string name, string reference, string typesNamespace)
    {
        var metadata = new MetadataBuilder();
        metadata.AddModule(0, metadata.GetOrAddString(name), metadata.GetOrAddGuid(Guid.NewGuid()), default, default);
        metadata.AddAssembly(
            metadata.GetOrAddString("Made"),
            new Version(1, 0),
            default,
            default,
            default,
            System.Reflection.AssemblyHashAlgorithm.None
        );
        var other = metadata.AddAssemblyReference(
            metadata.GetOrAddString(reference),
            new Version(1, 0),
            default,
            default,
            default,
            default
        );
        metadata.AddTypeReference(other, metadata.GetOrAddString(typesNamespace), metadata.GetOrAddString("Thing"));
        metadata.AddTypeDefinition(
            default,
            default,
            metadata.GetOrAddString("<Module>"),
            default,
            MetadataTokens.FieldDefinitionHandle(1),
            MetadataTokens.MethodDefinitionHandle(1)
        );
        var image = new BlobBuilder();
        new ManagedPEBuilder(PEHeaderBuilder.CreateLibraryHeader(), new MetadataRootBuilder(metadata), new BlobBuilder()).Serialize(image);
        File.WriteAllBytes(Path.Combine(_folder.Root, name), image.ToArray());
    }
}
