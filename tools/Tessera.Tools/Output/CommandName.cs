using System.CommandLine;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Tessera.Tools.Output;

/// <summary>
/// What a user types before a tool's name: <c>tools/train</c> in the repository, <c>tessera train</c> where the package Tessera.Cli is
/// installed. Texts are written with the first and told by the second.
/// </summary>
internal static class CommandName
{
    private const string Repository = "tools/",
        Installed = "tessera ";

    /// <summary>The package has the shipped configs beside the program; a build in the repository hasn't.</summary>
    private static readonly bool s_installed = Directory.Exists(Path.Combine(AppContext.BaseDirectory, "configs", "_base_"));

    /// <summary>The version of Tessera, such as 0.1.0.</summary>
    public static string Version =>
        typeof(CommandName).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>What stands before a tool's name.</summary>
    public static string Prefix => s_installed ? Installed : Repository;

    /// <summary>The text with the tools named as this user calls them.</summary>
    /// <param name="tools">The tools there are.</param>
    public static string Told(string text, Command root) => s_installed ? Told(text, root.Subcommands.Select(tool => tool.Name)) : text;

    internal static string Told(string text, IEnumerable<string> tools) =>
        Regex.Replace(
            text,
            $@"(?<![\w./-]){Repository}({string.Join('|', tools.OrderByDescending(name => name.Length).Append("NAME"))})(?![\w/-])",
            $"{Installed}$1",
            RegexOptions.None,
            TimeSpan.FromSeconds(1)
        );
}
