using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Files;

namespace Tessera.Framework.Checkpoints;

/// <summary>Checkpoints that say other things of themselves.</summary>
public static class CheckpointCopy
{
    /// <summary>Writes a checkpoint once more, under another name; tensors and the run's state are copied as they are.</summary>
    /// <param name="info">What the copy says of itself.</param>
    /// <exception cref="UserErrorException">The file can't be written; nothing is left of it.</exception>
    public static void Write(Checkpoint checkpoint, string path, CheckpointInfo info)
    {
        var metadata = checkpoint.Metadata.ToDictionary(entry => entry.Key, entry => entry.Value);
        metadata.Remove(Seal.Key);
        metadata[Checkpoint.InfoKey] = info.ToJson();
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            AtomicFile.Write(
                path,
                stream =>
                    SafetensorsWriter.Write(
                        stream,
                        checkpoint.Tensors.Values.Select(tensor => new WeightSource(
                            tensor,
                            target => checkpoint.CopyTo(tensor.Name, target)
                        )),
                        metadata
                    ),
                Checkpoint.Verify
            );
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CheckpointErrors.CannotSave(path, error, new FileInfo(checkpoint.Path).Length);
        }
    }
}
