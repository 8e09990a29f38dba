using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Tessera.Framework.Plugins;

/// <summary>Builds a plugin's source against the assemblies that run, once for each content, into the user's cache.</summary>
internal static partial class PluginBuild
{
    private const int MostFiles = 5000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public static (string Assembly, string Sha256) Build(PluginReference plugin, Action<string>? note)
    {
        var isProject = plugin.Path.EndsWith(".csproj", StringComparison.OrdinalIgnoreCase);
        var sha256 = isProject ? HashProject(plugin) : PluginLoader.Hash(plugin.Path);
        var folder = Path.Combine(CacheFolder(), KeyOf(plugin.Path, sha256));
        var record = Path.Combine(folder, "assembly.txt");

        // What a project refers to lies outside the hash: let the build decide what is up to date.
        var mayBeStale = isProject && File.ReadAllText(plugin.Path).Contains("ProjectReference", StringComparison.Ordinal);
        if (!mayBeStale && File.Exists(record) && File.ReadAllText(record) is var known && File.Exists(Path.Combine(folder, known)))
            return (Path.Combine(folder, known), sha256);

        note?.Invoke($"building {SourceLocation.Display(plugin.Path)} …");
        var work = Directory.CreateDirectory($"{folder}.{Environment.ProcessId}").FullName;
        try
        {
            var assembly = isProject ? BuildProject(plugin, work) : BuildFile(plugin, work);
            File.WriteAllText(Path.Combine(work, "assembly.txt"), assembly);
            return (Path.Combine(Publish(work, folder), assembly), sha256);
        }
        catch
        {
            if (Directory.Exists(work))
                Directory.Delete(work, recursive: true);
            throw;
        }
    }

    // Another process may have finished the same build first; then its result is as good.
    private static string Publish(string work, string folder)
    {
        try
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            Directory.Move(work, folder);
            return folder;
        }
        catch (IOException)
        {
            return Directory.Exists(folder) && File.Exists(Path.Combine(folder, "assembly.txt")) ? folder : work;
        }
    }

    private static string BuildFile(PluginReference plugin, string work)
    {
        var name = $"Plugin.{Path.GetFileNameWithoutExtension(plugin.Path)}";
        File.WriteAllText(Path.Combine(work, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(work, "Directory.Build.targets"), "<Project />");
        File.WriteAllText(Path.Combine(work, "Directory.Packages.props"), "<Project />");
        var project = Path.Combine(work, name + ".csproj");
        File.WriteAllText(project, PluginProject.OfFile(plugin.Path));
        Run(plugin, work, ["build", project, "-c", "Release", "-o", Path.Combine(work, "bin")]);
        return Path.Combine("bin", name + ".dll");
    }

    private static string BuildProject(PluginReference plugin, string work)
    {
        var targets = Path.Combine(work, "Tessera.targets");
        File.WriteAllText(targets, PluginProject.Targets());
        string[] common = [$"-p:CustomAfterMicrosoftCommonTargets={targets}"];
        Run(plugin, work, ["build", plugin.Path, "-c", "Release", "-o", Path.Combine(work, "bin"), .. common]);
        var name = Run(plugin, work, ["msbuild", plugin.Path, "-getProperty:AssemblyName", .. common]).Trim();
        return Path.Combine("bin", name + ".dll");
    }

    private static string Run(PluginReference plugin, string work, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(DotnetPath())
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = work,
        };
        foreach (var argument in arguments.Concat(["-nologo", "-v:q", "-nodeReuse:false", "-p:UseSharedCompilation=false"]))
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name); // set by a surrounding `dotnet test` for its own SDK
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(Limit))
            {
                process.Kill(entireProcessTree: true);
                throw PluginErrors.At(plugin, PluginErrors.NotBuilt($"the build took longer than {Limit.TotalMinutes} minutes."));
            }

            if (process.ExitCode != 0)
                throw PluginErrors.At(plugin, PluginErrors.NotBuilt(Summarize(output.Result + errors.Result)));
            return output.Result;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw PluginErrors.At(plugin, PluginErrors.NotBuilt("the .NET SDK's `dotnet` isn't on PATH."));
        }
    }

    private static string Summarize(string output)
    {
        var errors = CompilerError()
            .Matches(output)
            .Select(match =>
                $"{SourceLocation.Display(match.Groups["file"].Value)}:{match.Groups["line"].Value}  "
                + $"{match.Groups["text"].Value.Trim()} ({match.Groups["code"].Value})"
            )
            .Distinct()
            .ToList();
        if (errors.Count == 0)
            errors =
            [
                .. output
                    .Split('\n')
                    .Where(line => line.Contains("error", StringComparison.Ordinal))
                    .Select(line => line.Trim())
                    .Distinct(),
            ];
        var shown = string.Join("\n  ", errors.Take(10).Prepend("the build has errors:"));
        return errors.Count > 10 ? $"{shown}\n  and {errors.Count - 10} more." : shown;
    }

    private static string HashProject(PluginReference plugin)
    {
        var folder = Path.GetDirectoryName(plugin.Path)!;
        string[] extensions = [".cs", ".csproj", ".props", ".targets", ".resx", ".json"];
        var files = Directory
            .EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 16 })
            .Where(file => extensions.Contains(Path.GetExtension(file)))
            .Where(file => !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            .Take(MostFiles + 1)
            .Order(StringComparer.Ordinal)
            .ToList();
        if (files.Count > MostFiles)
            throw PluginErrors.At(plugin, PluginErrors.NotBuilt($"its folder holds more than {MostFiles} source files."));
        var text = string.Join('\n', files.Select(file => $"{Path.GetRelativePath(folder, file)} {PluginLoader.Hash(file)}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    // A build is good for this path and content, and for exactly the assemblies that run.
    private static string KeyOf(string path, string sha256)
    {
        var running = PluginProject.Running().Select(PluginLoader.Hash);
        var text = string.Join('\n', running.Append(path).Append(sha256).Append(Environment.Version.ToString()));
        return $"{Path.GetFileNameWithoutExtension(path)}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..24]}";
    }

    private static string CacheFolder()
    {
        var home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(home) && Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } user)
            home = Path.Combine(user, ".cache");
        return string.IsNullOrEmpty(home)
            ? Directory.CreateTempSubdirectory("tessera-plugins").FullName
            : Directory.CreateDirectory(Path.Combine(home, "tessera", "plugins")).FullName;
    }

    private static string DotnetPath() =>
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
        ?? (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : DotnetOfRoot() ?? "dotnet");

    // A program with a host of its own, such as the installed tool, finds .NET by this variable where it isn't on PATH.
    private static string? DotnetOfRoot() =>
        Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root
        && Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet") is var file
        && File.Exists(file)
            ? file
            : null;

    [GeneratedRegex(
        @"^\s*(?<file>[^\n(]+)\((?<line>\d+),\d+\): error (?<code>\w+): (?<text>.*?)(\s\[[^\]]*\])?\s*$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex CompilerError();
}
