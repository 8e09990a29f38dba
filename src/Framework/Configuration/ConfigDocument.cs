using Microsoft.Extensions.Configuration;

namespace Tessera.Framework.Configuration;

/// <summary>A merged config: bases, edits and overrides applied. Every value remembers where it came from.</summary>
public sealed class ConfigDocument
{
    /// <summary>Reads a config file, its bases and the overrides (<c>a.b=1</c>).</summary>
    /// <exception cref="UserErrorException">Anything is wrong with the files or the overrides.</exception>
    public static ConfigDocument Load(string path, IReadOnlyList<string>? overrides = null) => throw new NotSupportedException();

    /// <summary>Reads a config from text; it can't have bases.</summary>
    public static ConfigDocument Parse(string json, string name = "config", IReadOnlyList<string>? overrides = null) => throw new NotSupportedException();

    /// <summary>Reads the config that a checkpoint carries. Plugins it names are never loaded.</summary>
    /// <param name="plugins">What the user named with --plugin.</param>
    public static ConfigDocument FromCheckpoint(string json, string checkpoint, IReadOnlyList<string>? overrides = null, IReadOnlyList<string>? plugins = null) => throw new NotSupportedException();

    /// <summary>The whole document, <c>${…}</c> filled in.</summary>
    public ConfigMap Root => throw new NotSupportedException();

    /// <summary>The file named on the command line; null for text.</summary>
    public string? Path => throw new NotSupportedException();

    /// <summary>The node at a dotted path, or null.</summary>
    public ConfigNode? Find(string path) => throw new NotSupportedException();

    /// <summary>The document as JSON for work dirs and checkpoints: merged, but <c>${…}</c> left as written, so that values from the environment aren't stored.</summary>
    public string SaveText() => throw new NotSupportedException();

    /// <summary>The document, <c>${…}</c> filled in, for services and plugins.</summary>
    public IConfiguration ToConfiguration() => throw new NotSupportedException();
}
