using System.Text;
using Microsoft.Win32.SafeHandles;
using Tessera.Torch.Loading;

namespace Tessera.Torch;

/// <summary>libtorch's observer of operators and the file it writes to.</summary>
/// <remarks>
/// It is added once and stays: removing it frees memory that another thread may be using at that moment, and after a file that couldn't be
/// opened
/// it never works again. What it writes lies in the library's buffer until that is full; so a trace ends with nodes longer than the buffer.
/// </remarks>
internal sealed class TraceObserver
{
    private const int MostFillers = 64;

    private readonly TraceFunctions _functions;
    private readonly SafeFileHandle _file;
    private readonly string _folder;
    private long _read; // up to here the file has been read
    private int _trace;

    private TraceObserver(TraceFunctions functions, SafeFileHandle file, string folder) =>
        (_functions, _file, _folder) = (functions, file, folder);

    /// <param name="folder">For the file, which other users can't read and which is deleted as soon as it is open.</param>
    /// <exception cref="IOException">The file can't be made.</exception>
    public static TraceObserver Start(TraceFunctions functions, string folder)
    {
        var path = Path.Combine(folder, $"tessera-trace-{Guid.NewGuid():N}.json");
        if (OperatingSystem.IsWindows() && !Ascii.IsValid(path))
            throw new IOException($"libtorch can't write to {folder}, whose name has letters beyond ASCII. Name another folder by TMP.");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        FileStream file;
        try
        {
            file = new FileStream(path, options);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
        var added = false;
        try
        {
            added = functions.Add(path);
        }
        finally
        {
            // Windows keeps a file that is open; there it goes with the process.
            if (!added || !OperatingSystem.IsWindows())
                File.Delete(path);
        }
        if (!added)
        {
            file.Dispose();
            throw new IOException($"libtorch could not open {path} for its trace of operators.");
        }
        var observer = new TraceObserver(functions, file.SafeFileHandle, folder);
        if (OperatingSystem.IsWindows())
            AppDomain.CurrentDomain.ProcessExit += (_, _) => observer.End(path);
        return observer;
    }

    /// <summary>This thread's operators while the action runs, in the order in which they began.</summary>
    public List<TracedOperator> Record(Action action)
    {
        _trace++;
        _functions.Enable();
        try
        {
            TraceMark.Put(TraceMark.Kind.Begin, _trace);
            action();
            TraceMark.Put(TraceMark.Kind.End, _trace);
            Flush();
        }
        finally
        {
            _functions.Disable();
        }
        var reader = new TraceReader(_file, _read, _functions.Thread);
        var nodes = Read(reader);
        _read = reader.Position;
        // The library writes on at its own place in the file: what was cut away is a gap then, which takes no room.
        if (RandomAccess.GetLength(_file) == _read)
            RandomAccess.SetLength(_file, 0);
        return nodes;
    }

    // Whatever grows the file once the last mark is in the buffer takes that mark along.
    private void Flush()
    {
        var before = RandomAccess.GetLength(_file);
        for (var i = 0; i < MostFillers; i++)
        {
            TraceMark.Put(TraceMark.Kind.End, _trace, filled: true);
            if (RandomAccess.GetLength(_file) > before)
                return;
        }
        throw Incomplete();
    }

    private List<TracedOperator> Read(TraceReader reader)
    {
        while (true) // what an action left that threw
        {
            var node = reader.Next(strict: false) ?? throw Incomplete();
            if (TraceMark.Of(node) == (TraceMark.Kind.Begin, _trace))
                break;
        }
        var nodes = new List<TracedOperator>();
        var parents = new List<long>();
        while (true)
        {
            var node = reader.Next(strict: true) ?? throw Incomplete();
            if (TraceMark.Of(node) == (TraceMark.Kind.End, _trace))
                break;
            nodes.Add(node);
            parents.Add(reader.Parent);
        }
        return Related(nodes, parents);
    }

    // Nodes are written when operators end, so a parent comes after its children. One that came before, or never, is the mark of an
    // operator
    // that threw: libtorch goes on taking it for running.
    private static List<TracedOperator> Related(List<TracedOperator> nodes, List<long> parents)
    {
        var places = new Dictionary<long, int>();
        for (var i = 0; i < nodes.Count; i++)
            places[nodes[i].Id] = i;
        for (var i = 0; i < nodes.Count; i++)
            if (places.TryGetValue(parents[i], out var place) && place > i)
                nodes[i].Parent = nodes[place];
        nodes.Sort((a, b) => a.Id.CompareTo(b.Id));
        return nodes;
    }

    private IOException Incomplete() => new($"libtorch's trace of operators could not be written whole: is the disk of {_folder} full?");

    private void End(string path)
    {
        _functions.Remove();
        _file.Dispose();
        try
        {
            File.Delete(path);
        }
        catch (IOException)
        {
            // An empty file is left.
        }
    }
}
