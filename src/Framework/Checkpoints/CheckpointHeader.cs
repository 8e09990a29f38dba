using System.Text.Json;
using Tessera.Framework.Checkpoints.Safetensors;

namespace Tessera.Framework.Checkpoints;

/// <summary>What a checkpoint says of its run, without its tensors.</summary>
internal static class CheckpointHeader
{
    /// <returns>null where the file is no checkpoint of ours, or its header can't be read.</returns>
    public static CheckpointInfo? InfoOf(string path)
    {
        try
        {
            using var file = SafetensorsFile.OpenPath(path);
            return file.Metadata.TryGetValue(Checkpoint.InfoKey, out var json) ? CheckpointInfo.FromJson(json, path) : null;
        }
        catch (Exception error) when (error is UserErrorException || IsMalformed(error))
        {
            return null;
        }
    }

    /// <summary>Whether what a stranger wrote into the header could not be read as what we write.</summary>
    public static bool IsMalformed(Exception error) =>
        error
            is JsonException
                or InvalidOperationException
                or FormatException
                or ArgumentException
                or NullReferenceException
                or KeyNotFoundException;
}
