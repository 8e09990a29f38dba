using System.Text;
using System.Text.Json.Nodes;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Visualization.Charts;

namespace Tessera.Tools.Output;

/// <summary>Files of a folder that belong together: after <see cref="Write"/> all are there, or, where it fails, those of before.</summary>
/// <param name="create">Opens a file to write; for tests that let the disk fail.</param>
internal sealed class FileSet(string folder, Func<string, Stream>? create = null)
{
    private readonly Dictionary<string, byte[]> _files = [];

    public string Folder => folder;

    /// <summary>For tools: known before anything is computed.</summary>
    /// <exception cref="UserErrorException">The folder's name is a file's.</exception>
    public static void RequireFolder(string folder)
    {
        if (File.Exists(folder))
            throw new UserErrorException($"{folder}: files are written into a folder of this name, but it is a file.");
    }

    /// <summary>For tools that write one file: what they read must not be written over.</summary>
    /// <param name="option">The output's name on the command line.</param>
    /// <param name="input">What is read, and its name on the command line.</param>
    /// <exception cref="UserErrorException">Both are one file.</exception>
    public static void RequireOther(string option, string output, (string Name, string Path) input)
    {
        if (Path.GetFullPath(output) == Path.GetFullPath(input.Path))
            throw new UserErrorException($"{option} is {output}, which is {input.Name} itself; another name was expected.");
    }

    /// <param name="name">Below the folder, with slashes.</param>
    public void Add(string name, byte[] content) => _files[name] = content;

    public void Add(string name, string text) => Add(name, Encoding.UTF8.GetBytes(text));

    public void Add(string name, JsonObject document) => Add(name, MetricFiles.Text(document));

    public void Add(string name, Chart picture) => Add(name, picture.Png());

    /// <summary>Writes all under temporary names first, so that a full disk leaves the folder as it was.</summary>
    /// <returns>The files' paths.</returns>
    public IReadOnlyList<string> Write()
    {
        var made = Directory.Exists(folder) ? null : folder;
        var written = new List<string>();
        try
        {
            foreach (var (name, content) in _files)
            {
                var path = Path.Combine(folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
                written.Add(path);
                AtomicFile.Write(path + AtomicFile.Temporary, stream => stream.Write(content), create: create);
            }
        }
        catch
        {
            foreach (var path in written)
                File.Delete(path + AtomicFile.Temporary);
            if (made is not null)
                Directory.Delete(made, recursive: true);
            throw;
        }
        foreach (var path in written)
            File.Move(path + AtomicFile.Temporary, path, overwrite: true);
        return written;
    }
}
