using Tessera.Framework.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Data;

/// <summary>A checkpoint with other weights, whole and sealed.</summary>
internal static class EditedCheckpoint
{
    /// <param name="change">Changes tensors in place, by their full names.</param>
    public static string Write(string from, string to, Action<IReadOnlyDictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var file = WeightsFile.Open(from);
        var tensors = file.Tensors.Keys.ToDictionary(name => name, file.Read);
        change(tensors);
        TensorFile.Write(to, tensors, file.Metadata.Where(entry => entry.Key != "sha256").ToDictionary());
        return to;
    }
}
