using Tessera.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>What single embeddings and bags of them share.</summary>
internal static class EmbeddingTable
{
    private static readonly Operator s_embedding = new("embedding");
    private static readonly Operator s_renormalize = new("embedding_renorm_");
    private static readonly Operator s_bag = new("embedding_bag", "padding_idx");

    public static Tensor LookUp(Tensor weight, Tensor indices, long paddingIndex, bool scaleByFrequency, bool sparse)
        => s_embedding.Call(weight, indices, paddingIndex, scaleByFrequency, sparse);

    /// <summary>Scales the rows that are looked up down to the largest norm allowed.</summary>
    public static void Renormalize(Tensor weight, Tensor indices, double most, double order)
    {
        using var noGrad = no_grad();
        using var contiguous = indices.contiguous();
        s_renormalize.CallInPlace(weight, weight, contiguous, most, order);
    }

    public static Tensor Bag(Tensor weight, Tensor indices, Tensor offsets, bool scaleByFrequency, EmbeddingBagMode mode, bool sparse, Tensor? weights, bool includeLastOffset, long paddingIndex)
    {
        var (result, offsetToBag, bagSize, maxIndices) = s_bag.Call4(weight, indices, offsets, scaleByFrequency, (long)mode, sparse, weights, includeLastOffset, paddingIndex < 0 ? Argument.None : paddingIndex);
        offsetToBag.Dispose();
        bagSize.Dispose();
        maxIndices.Dispose();
        return result;
    }

    public static Parameter Copy(Tensor embeddings, bool freeze, Device? device, ScalarType? dtype)
    {
        if (embeddings.dim() != 2)
            throw new ArgumentException($"A table of embeddings has 2 dimensions, not {embeddings.dim()}.", nameof(embeddings));
        using var noGrad = no_grad();
        return nn.Parameter(embeddings.detach().to(dtype ?? embeddings.dtype, device ?? embeddings.device, copy: true), !freeze);
    }
}
