using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>What loading found.</summary>
/// <param name="Loaded">The module's names that were filled.</param>
/// <param name="Missing">The module's names that the file lacks.</param>
/// <param name="Unexpected">The file's names that have no place in the module.</param>
/// <param name="WrongShape">The module's names whose tensor in the file has another shape, with both shapes.</param>
/// <param name="Skipped">The module's names left out by rule.</param>
public sealed record LoadReport(
    IReadOnlyList<string> Loaded, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected,
    IReadOnlyList<(string Name, string Expected, string Found)> WrongShape, IReadOnlyList<string> Skipped);

/// <summary>Weights that others published, into a module.</summary>
public static class ForeignWeights
{
    /// <summary>
    /// Loads a PyTorch checkpoint or a safetensors file that carries no class names into a whole model, for
    /// <c>tools/test CONFIG CHECKPOINT</c>: everything must be found. Warns, since the classes' names can't be compared.
    /// </summary>
    /// <exception cref="UserErrorException">The weights don't fit, or the classes' count differs.</exception>
    public static LoadReport LoadWhole(nn.Module model, string path, DataInfo data) => throw new NotSupportedException(path + model.GetName() + data);
}
