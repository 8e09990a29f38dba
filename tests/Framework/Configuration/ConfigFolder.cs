using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Configuration;

/// <summary>A temporary folder of config files; its path is left out of messages.</summary>
internal sealed class ConfigFolder : IDisposable
{
    public ConfigFolder(params (string Name, string Text)[] files)
    {
        foreach (var (name, text) in files)
            Write(name, text);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("tessera-config").FullName;

    /// <summary>Variables that the configs see; the process's own are hidden.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public string Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public ConfigDocument Load(string name, params string[] overrides) =>
        ConfigDocument.Load(Path.Combine(Root, name), overrides, variable => Variables.GetValueOrDefault(variable));

    public string ErrorOf(string name, params string[] overrides) =>
        Clean(Assert.Throws<UserErrorException>(() => Load(name, overrides)).Message);

    public string Clean(string text) => text.Replace(Root + "/", "", StringComparison.Ordinal);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
