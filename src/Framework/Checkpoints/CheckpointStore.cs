using Tessera.Framework.Files;
using Tessera.Framework.Running;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// The checkpoints of a work dir. A checkpoint is written to a temporary name, forced to disk, read back, renamed, and
/// only then named in <c>last_checkpoint</c>: whenever the process dies, the newest named checkpoint is whole.
/// </summary>
public sealed class CheckpointStore
{
    /// <summary>The file that names the newest checkpoint.</summary>
    internal const string PointerName = "last_checkpoint";

    /// <summary>How the names of best checkpoints begin; the value that they are best by follows.</summary>
    internal const string BestPrefix = "best_";

    private const string Extension = ".safetensors";

    private readonly Func<string, Stream>? _create;

    // What this run wrote, oldest first; nothing else is ever removed.
    private List<string> _kept = [];

    /// <param name="keep">Regular checkpoints to keep; 0 keeps all. Only those that this run wrote are ever removed.</param>
    public CheckpointStore(string workDir, int keep = 0)
        : this(workDir, keep, null) { }

    internal CheckpointStore(string workDir, int keep, Func<string, Stream>? create) => (WorkDir, Keep, _create) = (workDir, keep, create);

    public string WorkDir { get; }

    public int Keep { get; set; }

    /// <summary>The checkpoint that <c>last_checkpoint</c> names; null where nothing was saved yet.</summary>
    /// <exception cref="UserErrorException">The file names something that isn't there.</exception>
    public string? Latest
    {
        get
        {
            var pointer = Path.Combine(WorkDir, PointerName);
            if (!File.Exists(pointer))
                return null;
            var name = File.ReadAllText(pointer).Trim();
            var path = Path.Combine(WorkDir, name);
            if (name.Length > 0 && File.Exists(path))
                return path;
            var there = Directory
                .EnumerateFiles(WorkDir, "*" + Extension)
                .Select(file => Path.GetFileName(file)!)
                .Order(StringComparer.Ordinal)
                .ToList();
            throw CheckpointErrors.LatestIsGone(pointer, name, there);
        }
    }

    /// <summary>Saves a regular checkpoint, names it in <c>last_checkpoint</c>, removes those beyond <see cref="Keep"/>.</summary>
    /// <param name="name">"epoch_3" or "iter_4000".</param>
    /// <param name="state">The model under <c>model.</c>; the rest as the run likes. See <see cref="CheckpointParts"/>.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="UserErrorException">The disk is full or can't be written; what was there is intact.</exception>
    public string Save(string name, StateWriter state, CheckpointInfo info)
    {
        var kept = _kept.Where(other => other != name).Append(name).ToList();
        var path = Write(name, state, info with { Kept = kept });
        try
        {
            AtomicFile.WriteText(Path.Combine(WorkDir, PointerName), Path.GetFileName(path) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CheckpointErrors.CannotSave(Path.Combine(WorkDir, PointerName), error, 4096);
        }
        _kept = kept;
        if (Keep > 0)
            while (_kept.Count > Keep)
            {
                File.Delete(Path.Combine(WorkDir, _kept[0] + Extension));
                _kept.RemoveAt(0);
            }
        return path;
    }

    /// <summary>Saves a checkpoint that is no part of a run's row: <c>last_checkpoint</c> doesn't name it, nor is it removed.</summary>
    /// <param name="name">Without extension; a file of that name is replaced.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="UserErrorException">The disk is full or can't be written.</exception>
    public string SaveAside(string name, StateWriter state, CheckpointInfo info) => Write(name, state, info with { Kept = [] });

    /// <summary>Saves <c>best_&lt;metric&gt;.safetensors</c>, replacing the former best. Resumable like any other.</summary>
    public string SaveBest(string metric, StateWriter state, CheckpointInfo info) =>
        Write(BestName(metric), state, info with { Kept = _kept });

    /// <summary>The best checkpoint's name by a metric, without extension.</summary>
    internal static string BestName(string metric) =>
        BestPrefix + string.Concat(metric.Select(letter => char.IsLetterOrDigit(letter) || letter is '-' or '.' ? letter : '_'));

    /// <summary>Saves under a name of its own, beside the run's checkpoints: <c>last_checkpoint</c> and <see cref="Keep"/> don't know
    /// it.</summary>
    /// <returns>The file's path.</returns>
    /// <exception cref="UserErrorException">The disk is full or can't be written; what was there is intact.</exception>
    public string SaveApart(string name, StateWriter state, CheckpointInfo info) => Write(name, state, info);

    /// <summary>Takes over, after a resume, what the interrupted run had written.</summary>
    public void Adopt(Checkpoint checkpoint) =>
        _kept = [
            .. checkpoint.Info.Kept.Where(name => Path.GetFileName(name) == name && File.Exists(Path.Combine(WorkDir, name + Extension))),
        ];

    private string Write(string name, StateWriter state, CheckpointInfo info)
    {
        var path = Path.Combine(WorkDir, name + Extension);
        var bytes = state.Tensors.Values.Sum(tensor => tensor.NumberOfElements * tensor.ElementSize);
        try
        {
            Directory.CreateDirectory(WorkDir);
            AtomicFile.Write(path, stream => Checkpoint.Write(stream, state, info), Checkpoint.Verify, _create);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CheckpointErrors.CannotSave(path, error, bytes);
        }
        return path;
    }
}
