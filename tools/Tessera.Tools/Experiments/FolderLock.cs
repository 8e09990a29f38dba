using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Experiments;

/// <summary>Keeps a folder to one process. The lock ends with its process, however that ends.</summary>
internal sealed class FolderLock : IDisposable
{
    /// <summary>The file that is locked. It may stay where no process is.</summary>
    public const string FileName = ".lock";

    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(100);

    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <param name="patience">How long to wait for another process to end.</param>
    /// <exception cref="UserErrorException">Another process is at work in the folder.</exception>
    public static FolderLock Take(string folder, TimeSpan patience)
    {
        for (var waited = TimeSpan.Zero; ; waited += s_between)
        {
            try
            {
                return new FolderLock(
                    new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)
                );
            }
            catch (IOException) when (waited < patience)
            {
                Thread.Sleep(s_between);
            }
            catch (IOException error)
            {
                throw new UserErrorException(
                    $"{SourceLocation.Display(folder)}: another process is at work in this folder. Wait until it has ended, or give "
                        + "another folder by --work-dir.",
                    error
                );
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
