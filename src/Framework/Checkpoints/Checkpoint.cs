using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Running;

namespace Tessera.Framework.Checkpoints;

/// <summary>A checkpoint that Tessera wrote, opened for reading. Tensors are read when asked for.</summary>
public sealed class Checkpoint : IDisposable
{
    private Checkpoint(string path, CheckpointInfo info) => (Path, Info) = (path, info);

    public string Path { get; }

    public CheckpointInfo Info { get; }

    /// <summary>Whether the file carries averaged weights.</summary>
    public bool HasAveraged => throw new NotSupportedException();

    /// <summary>Opens a checkpoint and checks its content hash.</summary>
    /// <exception cref="UserErrorException">Not a checkpoint of Tessera's, truncated, or changed since it was written.</exception>
    public static Checkpoint Open(string path) => throw new NotSupportedException();

    /// <summary>Whether the file is a checkpoint that Tessera wrote, rather than foreign weights. Reads the header only.</summary>
    public static bool IsCheckpoint(string path) => throw new NotSupportedException();

    /// <summary>Everything, on the CPU, for resuming. The tensors live as long as this object.</summary>
    public StateReader ReadState() => throw new NotSupportedException();

    /// <summary>Fills the model, exactly: every tensor must be there and fit.</summary>
    /// <param name="averaged">Take the averaged weights where the file has them.</param>
    /// <param name="config">The config that built the model, for a message that says how it differs.</param>
    /// <exception cref="UserErrorException">The checkpoint is of another architecture.</exception>
    public void LoadModel(VisionModel model, bool averaged = false, JsonObject? config = null) => throw new NotSupportedException();

    /// <exception cref="UserErrorException">The data's classes are others than the checkpoint's.</exception>
    public void RequireClasses(DataInfo data) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
