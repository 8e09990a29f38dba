using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tessera.Tools;
using Tessera.Tools.Output;
using Tessera.Torch.Loading;

namespace Tessera.Tests.Tools;

/// <summary>Versions that stand in several places are those of Directory.Packages.props; the tools are named as they are called.</summary>
[Collection(InProcess.Name)]
public sealed partial class VersionTests
{
    private static readonly Dictionary<string, string> s_central = XDocument
        .Load(Path.Combine(Snippets.Repository, "Directory.Packages.props"))
        .Descendants("PackageVersion")
        .ToDictionary(item => (string)item.Attribute("Include")!, item => (string)item.Attribute("Version")!);

    public static TheoryData<string> Texts() =>
        [
            "templates/tessera-project/Directory.Build.props",
            "templates/tessera-project/tests/MyProject.Tests/MyProject.Tests.csproj",
            "src/Tessera/Package/README.md",
            "src/Torch/Package/README.md",
            "docs/torchsharp.md",
        ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Text_NamesTheVersionsThatAreBuiltWith(string file)
    {
        var named = Reference().Matches(File.ReadAllText(Path.Combine(Snippets.Repository, file)));
        var others = named.Where(match => !match.Groups["id"].Value.StartsWith("Tessera", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(others);
        Assert.All(
            others,
            match => Assert.Equal(s_central[match.Groups["id"].Value.Replace("$(TorchSystem)", "linux-x64")], match.Groups["version"].Value)
        );
    }

    [Fact]
    public void Code_KnowsTheVersionsThatAreBuiltWith()
    {
        Assert.Equal($"[{LibTorch.ExpectedVersion}]", s_central["libtorch-cpu-linux-x64"]);
        Assert.Equal($"[{LibTorch.TorchSharpVersion}]", s_central["TorchSharp"]);
        Assert.Equal($"[{LibTorch.TorchSharpVersion}]", s_central["TorchSharp-cuda-linux"]);
        Assert.Equal(s_central["SkiaSharp"], s_central["SkiaSharp.NativeAssets.Linux.NoDependencies"]);
    }

    [Fact]
    public void Version_IsTheOneOfTheBuild() =>
        Assert.Equal($"Tessera {CommandName.Version}\n", Tool.Run("--version").Succeeds().Output.ReplaceLineEndings("\n"));

    [Theory]
    [InlineData("tools/train CONFIG", "tessera train CONFIG")]
    [InlineData("(tools/test: --part x); `tools/test`", "(tessera test: --part x); `tessera test`")]
    [InlineData("  tools/train  Trains.\ntools/NAME --help", "  tessera train  Trains.\ntessera NAME --help")]
    [InlineData("tools/test-data /my/tools/train tools/unknown", "tools/test-data /my/tools/train tools/unknown")]
    public void Installed_TheToolsAreNamedAsTheCommand(string text, string told) =>
        Assert.Equal(told, CommandName.Told(text, ["test", "train"]));

    [GeneratedRegex("""<PackageReference Include="(?<id>[^"]+)" Version="(?<version>[^"]+)" ?""")]
    private static partial Regex Reference();
}
