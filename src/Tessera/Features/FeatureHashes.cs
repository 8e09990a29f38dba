using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tessera.Framework.Data;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>What features depend on, as SHA-256: weights and data.</summary>
internal static class FeatureHashes
{
    private const int Looked = 64;

    /// <summary>Of all weights but those of a head.</summary>
    /// <param name="names">The model's names.</param>
    /// <param name="read">A tensor by that name; disposed here.</param>
    /// <param name="head">The head's name in the model.</param>
    public static string OfWeights(IEnumerable<string> names, Func<string, Tensor> read, string head)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in names.Where(name => !IsOfHead(name, head)).Order(StringComparer.Ordinal))
        {
            using var tensor = read(name);
            Add(hash, $"{name} {tensor.dtype} {string.Join("x", tensor.shape)}");
            hash.AppendData(Bytes(tensor));
        }
        return End(hash);
    }

    public static bool IsOfHead(string name, string head) => name.StartsWith(head + ".", StringComparison.Ordinal);

    public static string OfFile(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Of the names and the truth of all samples in their order, and of the content of up to 64, evenly spread: data whose images
    /// were all made anew under their old names is found out, a single exchanged image may not be.</summary>
    public static string OfData(Dataset dataset)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, $"{dataset.Info.Task} {dataset.Count} {string.Join("\n", dataset.Info.Classes)}");
        var step = Math.Max(1, dataset.Count / Looked);
        for (var i = 0; i < dataset.Count; i++)
        {
            var sample = dataset.Get(i);
            Add(hash, sample.Name);
            var truth = sample.Truth;
            hash.AppendData(BitConverter.GetBytes(truth.Label ?? -1));
            hash.AppendData(MemoryMarshal.AsBytes<float>(truth.MultiLabel ?? truth.Targets ?? []));
            if (i % step == 0)
                hash.AppendData(sample.ReadFile is { } read ? read().Span : sample.Image!.Decode().Bytes);
        }
        return End(hash);
    }

    private static byte[] Bytes(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.detach().cpu().contiguous();
        return flat.dtype switch
        {
            ScalarType.Int64 => MemoryMarshal.AsBytes<long>(flat.Values<long>()).ToArray(),
            _ => MemoryMarshal.AsBytes<float>(flat.to(ScalarType.Float32).Values<float>()).ToArray(),
        };
    }

    private static void Add(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length); // so that no two lists of texts read the same
        hash.AppendData(bytes);
    }

    private static string End(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset());
}
