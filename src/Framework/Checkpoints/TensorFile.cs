using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Files;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Writes named tensors as a safetensors file, for results that other programs read. <see cref="WeightsFile.Open"/> reads
/// it.</summary>
public static class TensorFile
{
    /// <summary>Writes the whole file or nothing; what lies there before is replaced.</summary>
    /// <param name="path">Its folder exists.</param>
    /// <param name="tensors">On any device, of any layout.</param>
    /// <param name="metadata">Strings that go with them.</param>
    public static void Write(
        string path,
        IReadOnlyDictionary<string, Tensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    ) =>
        AtomicFile.Write(
            path,
            stream =>
                SafetensorsWriter.Write(
                    stream,
                    tensors.Select(entry => WeightSource.From(entry.Key, entry.Value)),
                    metadata ?? new Dictionary<string, string>()
                )
        );
}
