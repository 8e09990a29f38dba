using System.Runtime.InteropServices;

namespace Tessera.Framework.Files;

/// <summary>Files that are either the old or the new, whenever the process or the machine stops.</summary>
public static partial class AtomicFile
{
    /// <summary>The ending of files being written; whatever bears it when nothing is being written is left over from a crash.</summary>
    public const string Temporary = ".tmp";

    private const int TooLarge = 27;

    /// <summary>Writes to a temporary name, forces it to disk, has it verified, renames it, forces the renaming to disk.</summary>
    /// <param name="verify">Reads back the temporary file and throws where it isn't what it should be.</param>
    /// <param name="create">Opens the temporary file; for tests that let the disk fail.</param>
    public static void Write(string path, Action<Stream> write, Action<string>? verify = null, Func<string, Stream>? create = null)
    {
        var temporary = path + Temporary;
        try
        {
            using (var stream = (create ?? Create)(temporary))
            {
                write(stream);
                if (stream is FileStream file)
                    file.Flush(flushToDisk: true);
                else
                    stream.Flush();
            }
            verify?.Invoke(temporary);
            File.Move(temporary, path, overwrite: true);
            SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (ArgumentOutOfRangeException error)
        {
            Remove(temporary);
            // what .NET makes of EFBIG: the file system's or the process's limit
            throw new IOException($"{path}: {error.Message}", TooLarge);
        }
        catch
        {
            Remove(temporary);
            throw;
        }
    }

    public static void WriteText(string path, string text) =>
        Write(
            path,
            stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                writer.Write(text);
            }
        );

    /// <summary>Whether an error means that there is no room: the disk is full, or a quota or limit is reached.</summary>
    public static bool IsFull(IOException error) =>
        // ENOSPC, EDQUOT, EFBIG
        OperatingSystem.IsWindows()
            ? (error.HResult & 0xFFFF) is 0x70 or 0x27
            : error.HResult is 28 or 122 or TooLarge;

    private static FileStream Create(string path) => new(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16);

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The reason that is being reported already matters more; the next save overwrites the file.
        }
    }

    // A renaming is on disk once the folder is; .NET can't open one.
    private static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0)
            return;
        _ = Sync(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
