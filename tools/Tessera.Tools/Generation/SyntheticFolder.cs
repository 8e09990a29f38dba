using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Generation;

/// <summary>A folder of generated images: CLASS/000001.png, and synthetic.jsonl, whose first line says how they were made and whose others
/// name an image each. It is written under another name and gets its own when it is whole.</summary>
internal sealed class SyntheticFolder : IDisposable
{
    private static readonly JsonSerializerOptions s_text = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly string _folder;
    private readonly string _partial;
    private readonly string _checkpoint;
    private readonly StreamWriter _lines;

    /// <param name="checkpoint">The SHA-256 of the checkpoint.</param>
    /// <param name="header">How the images are made.</param>
    /// <exception cref="UserErrorException">The folder holds something.</exception>
    public SyntheticFolder(string folder, string checkpoint, JsonObject header)
    {
        _folder = Path.GetFullPath(folder);
        (_partial, _checkpoint) = (_folder.TrimEnd(Path.DirectorySeparatorChar) + ".partial", checkpoint);
        RequireFree(folder);
        if (Directory.Exists(_partial))
        {
            if (!File.Exists(Path.Combine(_partial, SyntheticMarker.FileName)))
                throw new UserErrorException(
                    $"{_partial}: this name is needed while images are made, but it is taken. Name another --out-dir."
                );
            Directory.Delete(_partial, recursive: true); // of a run that was stopped: the same images come again
        }
        Directory.CreateDirectory(_partial);
        _lines = new StreamWriter(Path.Combine(_partial, SyntheticMarker.FileName));
        Write(new JsonObject { ["synthetic"] = header });
    }

    /// <exception cref="UserErrorException">The folder holds something, or is a file.</exception>
    public static void RequireFree(string folder)
    {
        if (File.Exists(folder))
            throw new UserErrorException($"{folder}: images are written into a folder, but this is a file.");
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new UserErrorException($"{folder}: the folder isn't empty. Name a new one by --out-dir.");
    }

    /// <exception cref="UserErrorException">A folder can't be called so, or a data set would pass it over.</exception>
    public static void RequireFolderName(string name)
    {
        var bad = name.Length == 0 || name.StartsWith('.') || name.EndsWith('.') || name.Trim() != name;
        if (bad || name.Any(c => char.IsControl(c) || c is '/' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|'))
            throw new UserErrorException($"The class \"{name}\" can't be the name of a folder, so its images can't be written.");
    }

    /// <param name="number">From 1.</param>
    /// <param name="agreement">Of who judges; null where nobody does.</param>
    public void Add(string name, int number, long seed, Image image, double? agreement)
    {
        var file = string.Create(CultureInfo.InvariantCulture, $"{name}/{number:D6}.png");
        var path = Path.Combine(_partial, name, Path.GetFileName(file));
        if (number == 1)
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, ImageCodec.EncodePng(image));
        Write(
            new JsonObject
            {
                ["file"] = file,
                ["class"] = name,
                ["seed"] = seed,
                ["checkpoint"] = _checkpoint,
                ["agreement"] = agreement is { } value ? Math.Round(value, 6) : null,
            }
        );
    }

    /// <summary>Gives the folder its name.</summary>
    public void Complete()
    {
        _lines.Dispose();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder); // empty
        Directory.Move(_partial, _folder);
    }

    public static string HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    public void Dispose() => _lines.Dispose();

    private void Write(JsonObject line) => _lines.WriteLine(line.ToJsonString(s_text));
}
