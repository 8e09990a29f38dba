using System.Diagnostics;

namespace Tessera.Tests.Tools.Documents;

/// <summary>A folder as a reader of a page has it: Tessera's configs and tools, the page's own files, and what its commands make.</summary>
internal sealed class PageFolder : IDisposable
{
    // Tools whose first argument is a config, and which therefore take changes to it.
    private static readonly string[] s_ofConfigs = ["train", "test", "browse-dataset", "confusion-matrix"];

    private readonly string _page;

    /// <param name="page">Relative to the repository.</param>
    /// <param name="changes">To every config that a command names: fewer epochs, smaller images.</param>
    public PageFolder(string page, params string[] changes)
    {
        _page = page;
        Directory.CreateSymbolicLink(At("configs"), Path.Combine(Snippets.Repository, "configs"));
        Directory.CreateDirectory(At("tools"));
        var program = Path.Combine(AppContext.BaseDirectory, "Tessera.Tools.dll");
        foreach (var tool in Tessera.Tools.Program.CreateRoot().Subcommands.Select(command => command.Name))
        {
            var more = s_ofConfigs.Contains(tool) && changes.Length > 0 ? $" --cfg-options {string.Join(' ', changes)}" : "";
            File.WriteAllText(At("tools", tool), $"#!/bin/sh\nexec dotnet '{program}' {tool} \"$@\"{more}\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(At("tools", tool), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        foreach (var snippet in Snippets.Of(page))
            if (snippet.FileName is { } name)
                File.WriteAllText(At(name), snippet.Text);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-page").FullName;

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public string[] Files(string folder, string pattern) =>
        Directory.Exists(At(folder)) ? Directory.GetFiles(At(folder), pattern, SearchOption.AllDirectories) : [];

    /// <summary>Writes a file, and the folders above it.</summary>
    public void Write(string name, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), content);
    }

    /// <summary>Runs all commands of the page in their order, as bash does; the first that fails ends it.</summary>
    public Said Run()
    {
        var commands = Snippets.Of(_page).Where(snippet => snippet.Language == "sh").Select(snippet => snippet.Text).ToArray();
        Assert.NotEmpty(commands);
        var start = new ProcessStartInfo("bash")
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("-euo");
        start.ArgumentList.Add("pipefail");
        start.ArgumentList.Add("-s");
        start.Environment.Remove("TESSERA_DATA_ROOT");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        process.StandardInput.Write(string.Join('\n', commands));
        process.StandardInput.Close();
        process.WaitForExit();
        return new Said(process.ExitCode, output.Result, error.Result);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
