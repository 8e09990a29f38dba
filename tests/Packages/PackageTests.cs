using System.Xml.Linq;

namespace Tessera.Tests.Packages;

/// <summary>What is in the packages, and that a project and the tool live from them alone, in a folder outside the repository.</summary>
public sealed class PackageTests(PackedRelease release) : IClassFixture<PackedRelease>
{
    private const long ToolBytes = 250_000_000;

    private static readonly string[] s_libraries = ["Tessera.Torch", "Tessera.Framework", "Tessera.Models", "Tessera.Datasets", "Tessera"];

    [FullFact]
    public void Libraries_BringDocsSymbolsAndLicence_AndNoNativeFiles()
    {
        foreach (var id in s_libraries)
        {
            var files = release.Files(id);
            Assert.Contains("README.md", files);
            Assert.Contains("LICENSE", files);
            Assert.Contains($"lib/net10.0/{id}.dll", files);
            Assert.Contains($"lib/net10.0/{id}.xml", files);
            Assert.DoesNotContain(
                files,
                file => file.Contains("runtimes/", StringComparison.Ordinal) || file.Contains(".so", StringComparison.Ordinal)
            );
            var sources = Directory.GetFiles(
                Path.Combine(FixtureFile.Repository, "src", id.Split('.')[^1]),
                "*.cs",
                SearchOption.AllDirectories
            );
            Assert.True(release.EmbeddedSources(id) >= sources.Length, $"{id}: sources are missing from its symbols");
        }
        var all = s_libraries.SelectMany(Dependencies).ToArray();
        Assert.Equal(
            ["TorchSharp"],
            all.Select(dependency => dependency.Id)
                .Where(id => id.Contains("torch", StringComparison.OrdinalIgnoreCase) && id != "Tessera.Torch")
                .Distinct()
        );
        Assert.DoesNotContain(all, dependency => dependency.Id.Contains("NativeAssets", StringComparison.Ordinal));
        Assert.Equal("[0.107.0]", all.First(dependency => dependency.Id == "TorchSharp").Version);
        Assert.All(
            all.Where(dependency => dependency.Id.StartsWith("Tessera", StringComparison.Ordinal)),
            dependency => Assert.Equal($"[{release.Version}]", dependency.Version)
        );
    }

    [FullFact]
    public void Tool_HasNativesConfigsAndSchema_AndIsSmallEnough()
    {
        const string id = "Tessera.Cli.linux-x64";
        Assert.InRange(new FileInfo(release.PathOf(id)).Length, 1, ToolBytes);
        var files = release.Files(id);
        foreach (var name in new[] { "libtorch_cpu.so", "libSkiaSharp.so", "configs/schema.json", "configs/_base_/runtime.json" })
            Assert.Contains(files, file => file.EndsWith("/linux-x64/" + name, StringComparison.Ordinal));
        Assert.DoesNotContain(files, file => file.EndsWith("libtorch_python.so", StringComparison.Ordinal));
        Assert.Contains("README.md", release.Files("Tessera.Cli"));
    }

    [FullFact]
    public void Project_TrainsAndPredicts_AndItsTestPasses()
    {
        var tested = Shell.Dotnet(release.Project, "test", "--no-build", "-v", "q", "--logger", "console;verbosity=normal").Succeeds();
        Assert.Contains(
            "Passed Tiny.Tests.SmallNetTests.Config_TrainsForTwoIterations_AndItsCheckpointPredicts",
            tested.All,
            StringComparison.Ordinal
        );

        Train("program");
        var predicted = Program("program", "images/val/circle/1.png", "images/val/square/1.png").Succeeds();
        Assert.Matches(@"(?m)^images/val/circle/1\.png: (circle|square) \(\d\.\d{3}\)$", predicted.Output);
    }

    [FullFact]
    public void Tool_WorksWithoutTheRepository()
    {
        Assert.Equal($"Tessera {release.Version}", Tessera("--version").Succeeds().Output.Trim());
        Assert.Contains("  tessera train ", Tessera("--help").Succeeds().Output, StringComparison.Ordinal);
        Assert.Contains("  tessera train <CONFIG> [options]", Tessera("train", "--help").Succeeds().Output, StringComparison.Ordinal);

        Train("tool");
        string[] train = ["train", "configs/smallnet.json", "--work-dir", "work_dirs/longer"];
        Tessera([.. train, "--cfg-options", "train.epochs=2"]).Succeeds();
        Tessera([.. train, "--resume", "--cfg-options", "train.epochs=1"]).Fails(1, "tessera test evaluates the checkpoint");
        var logs = Directory.GetFiles(Path.Combine(release.Project, "work_dirs", "longer"), "*.log", SearchOption.AllDirectories);
        Assert.Contains(logs, log => File.ReadAllText(log).Contains("tessera test evaluates the checkpoint", StringComparison.Ordinal));
        Assert.All(logs, log => Assert.DoesNotContain("tools/", File.ReadAllText(log), StringComparison.Ordinal));
        Tessera("test", "configs/smallnet.json", "work_dirs/tool/epoch_1.safetensors", "--out", "metrics.json").Succeeds();
        Assert.Contains("accuracy/top1", File.ReadAllText(Path.Combine(release.Project, "metrics.json")), StringComparison.Ordinal);
        string[] predict = ["predict", "work_dirs/tool/epoch_1.safetensors", "images/val/circle/1.png", "--out-dir", "out"];
        Tessera(predict).Fails(1, "name it yourself: --plugin PATH");
        Tessera([.. predict, "--plugin", "src/Tiny/SmallNet.cs"]).Succeeds();
    }

    [FullFact]
    public void Backbone_OfTheTemplate_TrainsOnDrawnShapes()
    {
        var folder = Path.Combine(release.Project, "wide");
        release.New("tessera-backbone", "-n", "WideNet", "-o", folder).Succeeds();
        string[] short_run = ["train.epochs=1", "train.dataset.count=128", "val.dataset.count=100"];
        Tessera(["train", "wide/WideNet.json", "--work-dir", "work_dirs/wide", "--cfg-options", .. short_run]).Succeeds();
        Assert.True(File.Exists(Path.Combine(release.Project, "work_dirs", "wide", "epoch_1.safetensors")));
    }

    [FullFact]
    public void ShippedConfigs_AreBases_AndAnUnknownOneIsTold()
    {
        Write("own.json", """{ "_base_": "tessera:resnet/resnet18_imagefolder.json", "train": { "epochs": 3 } }""");
        var printed = Tessera("print-config", "own.json").Succeeds().Output;
        Assert.Contains("\"ResNet\"", printed, StringComparison.Ordinal);
        Write("wrong.json", """{ "_base_": "tessera:resnet/resnet18_imagefoldr.json" }""");
        Tessera("print-config", "wrong.json").Fails(1, "wrong.json:1", "Did you mean \"tessera:resnet/resnet18_imagefolder.json\"?");
    }

    /// <summary>A plugin's project may reference the packages of Tessera: it is built against what runs, and no native file is
    /// copied.</summary>
    [FullFact]
    public void Plugin_AsAProjectThatReferencesThePackages_IsBuiltAgainstTheTool()
    {
        Write("project.json", """{ "_base_": "configs/smallnet.json", "plugins": ["src/Tiny/Tiny.csproj"] }""");
        string[] train = ["train", "project.json", "--work-dir", "work_dirs/project", "--cfg-options", "train.epochs=1"];
        var cache = Path.Combine(release.Folder, "cache");
        Shell.Run(release.Project, "env", [$"XDG_CACHE_HOME={cache}", release.Tool, .. train]).Succeeds();
        var built = Directory.GetFiles(Path.Combine(cache, "tessera", "plugins"), "*", SearchOption.AllDirectories);
        Assert.Contains(built, file => file.EndsWith("Tiny.dll", StringComparison.Ordinal));
        Assert.DoesNotContain(built, file => file.EndsWith("Tessera.Framework.dll", StringComparison.Ordinal));
        Assert.DoesNotContain(built, file => file.Contains("libtorch", StringComparison.Ordinal));
    }

    [FullFact]
    public void Program_WithoutNativeFiles_NamesTheLinesToAdd()
    {
        Train("natives");
        var natives = Path.Combine(release.Project, "src", "Tiny", "bin", "Debug", "net10.0", "runtimes", "linux-x64", "native");
        File.Copy(FixtureFile.At("images", "baseline.jpg"), Path.Combine(release.Project, "photo.jpg"), overwrite: true);
        Without(Path.Combine(natives, "libtorch_cpu.so"), () => Program("natives", "photo.jpg"))
            .Fails(1, "<PackageReference Include=\"libtorch-cpu-linux-x64\" Version=\"[2.10.0]\" />");
        Without(Path.Combine(natives, "libSkiaSharp.so"), () => Program("natives", "photo.jpg"))
            .Fails(1, "<PackageReference Include=\"SkiaSharp.NativeAssets.Linux.NoDependencies\" Version=\"4.155.0\" />");
        Program("natives", "photo.jpg").Succeeds();
    }

    /// <summary>Its first line makes a tensor, before anything of Tessera's runs: on Debian 12 that fails unless the package has
    /// prepared it.</summary>
    [FullFact]
    public void Program_ThatMakesATensorFirst_LoadsLibTorch()
    {
        _ = release.Packages;
        var folder = Directory.CreateDirectory(Path.Combine(release.Folder, "Bare")).FullName;
        File.WriteAllText(Path.Combine(folder, "Program.cs"), "System.Console.WriteLine(TorchSharp.torch.ones(3).sum().item<float>());");
        File.WriteAllText(
            Path.Combine(folder, "Bare.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Tessera.Torch" Version="[{release.Version}]" />
                <PackageReference Include="libtorch-cpu-linux-x64" Version="[2.10.0]" />
              </ItemGroup>
            </Project>
            """
        );
        Assert.Equal("3", Shell.Dotnet(folder, "run", "-v", "q").Succeeds().Output.Trim());
    }

    private static Said Without(string file, Func<Said> act)
    {
        var aside = file + ".aside";
        File.Move(file, aside);
        try
        {
            return act();
        }
        finally
        {
            File.Move(aside, file);
        }
    }

    /// <summary>Two iterations: one epoch of 16 images in batches of 8.</summary>
    private void Train(string name)
    {
        var said = Tessera("train", "configs/smallnet.json", "--work-dir", $"work_dirs/{name}", "--cfg-options", "train.epochs=1")
            .Succeeds();
        Assert.Contains("SmallNet.cs (SHA-256 ", said.All, StringComparison.Ordinal);
    }

    private Said Program(string run, params string[] images) =>
        Shell.Run(
            release.Project,
            Path.Combine(release.Project, "src", "Tiny", "bin", "Debug", "net10.0", "Tiny"),
            [$"work_dirs/{run}/epoch_1.safetensors", .. images]
        );

    private Said Tessera(params string[] arguments) => Shell.Run(release.Project, release.Tool, arguments);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(release.Project, name), text);

    private IEnumerable<(string Id, string Version)> Dependencies(string id) =>
        release
            .Nuspec(id)
            .Descendants()
            .Where(element => element.Name.LocalName == "dependency")
            .Select(element => ((string)element.Attribute("id")!, (string)element.Attribute("version")!));
}
