using Tessera.Framework.Running;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// The checkpoints of a work dir. A checkpoint is written to a temporary name, forced to disk, read back, renamed, and
/// only then named in <c>last_checkpoint</c>: whenever the process dies, the newest named checkpoint is whole.
/// </summary>
public sealed class CheckpointStore
{
    /// <param name="keep">Regular checkpoints to keep; 0 keeps all. Only those that this run wrote are ever removed.</param>
    public CheckpointStore(string workDir, int keep = 0) => (WorkDir, Keep) = (workDir, keep);

    public string WorkDir { get; }

    public int Keep { get; set; }

    /// <summary>The checkpoint that <c>last_checkpoint</c> names; null where nothing was saved yet.</summary>
    /// <exception cref="UserErrorException">The file names something that isn't there.</exception>
    public string? Latest => throw new NotSupportedException(WorkDir);

    /// <summary>Saves a regular checkpoint, names it in <c>last_checkpoint</c>, removes those beyond <see cref="Keep"/>.</summary>
    /// <param name="name">"epoch_3" or "iter_4000".</param>
    /// <param name="state">The model under <c>model.</c>; the rest as the run likes. See <see cref="CheckpointParts"/>.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="UserErrorException">The disk is full or can't be written; what was there is intact.</exception>
    public string Save(string name, StateWriter state, CheckpointInfo info) => throw new NotSupportedException();

    /// <summary>Saves <c>best_&lt;metric&gt;.safetensors</c>, replacing the former best. Resumable like any other.</summary>
    public string SaveBest(string metric, StateWriter state, CheckpointInfo info) => throw new NotSupportedException();

    /// <summary>Takes over, after a resume, what the interrupted run had written.</summary>
    public void Adopt(Checkpoint checkpoint) => throw new NotSupportedException();
}
