using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>A checkpoint of a whole model as a fixture lists its tensors, values by formula.</summary>
internal static class MmlabFile
{
    /// <summary>Loads it as a user would: everything must be found.</summary>
    public static void Load(JsonElement expected, VisionModel model, DataInfo data)
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using var scope = NewDisposeScope();
            // What is computed (window indices, counters) is in such files, too.
            ForeignFile.Write(
                path,
                expected
                    .GetProperty("tensors")
                    .EnumerateObject()
                    .Select(entry =>
                        (entry.Name, Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(side => side.GetInt64())]))
                    )
                    .Concat(
                        expected
                            .GetProperty("others")
                            .EnumerateArray()
                            .Where(name => !name.GetString()!.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                            .Select(name => (name.GetString()!, zeros(1)))
                    )
            );
            ForeignWeights.LoadWhole(model, path, data);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
