using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace Tessera.Framework.Models.Peft;

/// <summary>The weights that a checkpoint needs and doesn't hold.</summary>
/// <param name="Sha256">Of the tensors' names, types, shapes and values.</param>
/// <param name="Tensors">How many they are.</param>
/// <param name="Source">The files that they came from, with the files' own hashes.</param>
public sealed record BaseIdentity(string Sha256, int Tensors, string Source)
{
    /// <summary>For each tensor, by name: its name, type and shape in a line, then its values, little endian.</summary>
    internal static string Hash(IReadOnlyDictionary<string, Tensor> state, IEnumerable<string> names)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            using var scope = NewDisposeScope();
            var tensor = state[name].detach().cpu().contiguous();
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {tensor.dtype} [{string.Join(", ", tensor.shape)}]\n"));
            hash.AppendData(tensor.bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
