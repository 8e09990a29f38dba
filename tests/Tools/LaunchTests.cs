using System.Diagnostics;

namespace Tessera.Tests.Tools;

/// <summary>The launcher's words, on a project of its own in a temporary folder, with a NuGet that can't be reached.</summary>
public sealed class LaunchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-launch-").FullName;

    public LaunchTests()
    {
        Copy("tools/launch"); // copies stay executable
        Copy("tools/setup");
        Copy("global.json");
        Directory.CreateDirectory(At("src"));
        Write(
            "Directory.Build.props",
            "<Project><PropertyGroup><ArtifactsPath>$(MSBuildThisFileDirectory)artifacts</ArtifactsPath></PropertyGroup></Project>"
        );
        Write(
            "NuGet.config",
            """<configuration><packageSources><clear /><add key="nowhere" value="http://127.0.0.1:9/v3/index.json" allowInsecureConnections="true" /></packageSources></configuration>"""
        );
        Write("tools/Tessera.Tools/Program.cs", "System.Console.WriteLine(\"ran \" + string.Join(' ', args));");
    }

    private string At(string name) => Path.Combine(_folder, name);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
    }

    private void Copy(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.Copy(Path.Combine(Snippets.Repository, name), At(name));
    }

    private void Project(string references) =>
        Write(
            "tools/Tessera.Tools/Tessera.Tools.csproj",
            $"""
            <Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType><UseAppHost>false</UseAppHost></PropertyGroup>{references}</Project>
            """
        );

    [Fact]
    public void NoNuGet_IsOneMessage_WithTheAddressAndWhatToDo()
    {
        Project("""<ItemGroup><PackageReference Include="TorchSharp" Version="0.107.0" /></ItemGroup>""");
        var (code, output, error) = Launch();
        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Contains("restoring packages (downloads what is missing) … failed after ", error, StringComparison.Ordinal);
        Assert.Contains("NuGet could not be reached: http://127.0.0.1:9/v3/index.json", error, StringComparison.Ordinal);
        Assert.Contains("Connect this machine once", error, StringComparison.Ordinal);
        Assert.Contains("NUGET_PACKAGES", error, StringComparison.Ordinal);
        Assert.DoesNotContain("building", error, StringComparison.Ordinal);
        Assert.DoesNotContain("NU1301", error, StringComparison.Ordinal);
        Assert.True(File.Exists(At("artifacts/restore.log")));
    }

    [Fact]
    public void NothingToDownload_IsRestoredBuiltAndRun_WithTheTimeOfEach()
    {
        Project("");
        var (code, output, error) = Launch();
        Assert.True(code == 0, error + output);
        Assert.Equal("ran train c.json", output.Trim());
        Assert.Matches(@"^restoring packages \(downloads what is missing\) … \d+ s\nbuilding … \d+ s\n$", error);
        (code, output, error) = Launch();
        Assert.Equal((0, "ran train c.json", ""), (code, output.Trim(), error)); // nothing is built twice
    }

    [Fact]
    public void BuildThatFails_ShowsItsErrors()
    {
        Project("");
        Write("tools/Tessera.Tools/Program.cs", "nonsense");
        var (code, _, error) = Launch();
        Assert.Equal(1, code);
        Assert.Contains("building … failed after ", error, StringComparison.Ordinal);
        Assert.Contains("error CS", error, StringComparison.Ordinal);
        Assert.Contains("all of its output is in artifacts/build.log", error, StringComparison.Ordinal);
    }

    private (int Code, string Output, string Error) Launch()
    {
        var start = new ProcessStartInfo(At("tools/launch"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        start.ArgumentList.Add("train");
        start.ArgumentList.Add("c.json");
        start.Environment["NUGET_PACKAGES"] = At("packages");
        foreach (
            var name in (string[])["MSBuildSDKsPath", "MSBUILD_EXE_PATH", "MSBuildExtensionsPath", "TESSERA_TORCH_PROVIDER", "LIBTORCH"]
        )
            start.Environment.Remove(name);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
