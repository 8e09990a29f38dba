namespace Tessera.Framework.Configuration;

/// <summary>Reads a config file and its bases and merges them, each file once, bases before the files that name them.</summary>
internal sealed class ConfigLoader(MistakeList mistakes)
{
    private const string BaseKey = "_base_";
    private const int MaxFiles = 256;

    private sealed record ConfigFile(ConfigMap Root, IReadOnlySet<string> Ancestors);

    private readonly Dictionary<string, ConfigFile?> _files = [];
    private readonly List<ConfigFile> _order = [];
    private readonly List<string> _chain = [];

    /// <summary>The merged document, or null where a file could not be read.</summary>
    public ConfigMap? Load(string path)
    {
        var full = Path.GetFullPath(path);
        mistakes.AddFile(full);
        return Read(full, named: null) is null || mistakes.Mistakes.Count > 0 ? null : Merge();
    }

    /// <summary>A grid's own keys, without its bases, and these merged; null where a file could not be read, or where it names no
    /// base.</summary>
    public (ConfigMap? Grid, ConfigMap? Merged) LoadGrid(string path)
    {
        var full = Path.GetFullPath(path);
        mistakes.AddFile(full);
        if (Read(full, named: null) is not { } grid || mistakes.Mistakes.Count > 0)
            return (null, null);
        _order.Remove(grid);
        return (grid.Root, _order.Count == 0 ? null : Merge());
    }

    private ConfigMap Merge()
    {
        ConfigMap? merged = null;
        foreach (var file in _order)
            merged = new ConfigMerger(mistakes, file.Ancestors).Merge(merged, file.Root);
        return merged!;
    }

    /// <param name="named">Where the file is named as a base; null for the first.</param>
    private ConfigFile? Read(string path, ConfigNode? named)
    {
        if (_chain.Contains(path))
        {
            mistakes.Add(new Mistake(named!.Source, BaseKey, ConfigErrors.CyclicBases([.. _chain.SkipWhile(file => file != path), path])));
            return null;
        }

        if (_files.TryGetValue(path, out var known))
            return known;
        mistakes.AddFile(path);
        _chain.Add(path);
        var file = ReadNew(path, named);
        _chain.RemoveAt(_chain.Count - 1);
        _files[path] = file;
        if (file is not null)
            _order.Add(file);
        return file;
    }

    private ConfigFile? ReadNew(string path, ConfigNode? named)
    {
        if (ReadBytes(path, named) is not { } bytes || ConfigParser.Parse(path, bytes, mistakes) is not { } root)
            return null;
        if (named is not null)
            root = root.Without(ConfigDocument.SchemaKey); // relative to its own file, so nothing to inherit
        var ancestors = new HashSet<string> { path };
        if (root[BaseKey] is { } bases)
        {
            root = root.Without(BaseKey);
            foreach (var node in bases is ConfigList list ? list : (IEnumerable<ConfigNode>)[bases])
            {
                if (node is not ConfigValue { Kind: ConfigValueKind.String, Text.Length: > 0 } name)
                    mistakes.Add(new Mistake(node.Source, BaseKey, ConfigErrors.BaseIsNoPath(node)));
                else if (_files.Count >= MaxFiles)
                    mistakes.Add(new Mistake(node.Source, BaseKey, ConfigErrors.TooManyBases(MaxFiles)));
                else if (BasePath(name, path) is { } basePath && Read(basePath, name) is { } file)
                    ancestors.UnionWith(file.Ancestors);
            }
        }

        return new ConfigFile(root, ancestors);
    }

    /// <summary>The full path of a base: relative to the file that names it, or one of those that travel with Tessera.</summary>
    private string? BasePath(ConfigValue name, string path)
    {
        if (!ShippedConfigs.IsNamed(name.Text))
            return Path.GetFullPath(name.Text, Path.GetDirectoryName(path)!);
        if (ShippedConfigs.PathOf(name.Text, out var mistake) is { } shipped)
            return shipped;
        mistakes.Add(new Mistake(name.Source, BaseKey, mistake));
        return null;
    }

    private byte[]? ReadBytes(string path, ConfigNode? named)
    {
        var (source, at) = named is null ? (new SourceLocation(SourceLocation.Display(path), 0), "") : (named.Source, BaseKey);
        try
        {
            using var stream = File.OpenRead(path);
            var buffer = new MemoryStream();
            var chunk = new byte[64 << 10];
            while (stream.Read(chunk) is > 0 and var count)
            {
                buffer.Write(chunk, 0, count);
                if (buffer.Length > ConfigParser.MaxBytes)
                {
                    mistakes.Add(new Mistake(source, at, ConfigErrors.FileTooLarge(path, ConfigParser.MaxBytes)));
                    return null;
                }
            }

            return buffer.ToArray();
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            mistakes.Add(new Mistake(source, at, ConfigErrors.FileNotRead(path, exception)));
            return null;
        }
    }
}
