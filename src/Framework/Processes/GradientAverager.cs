using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

/// <summary>Averages tensors over processes, many small ones in one message.</summary>
internal static class GradientAverager
{
    private const long BucketBytes = 25 << 20;

    /// <summary>Replaces each tensor by its mean over all processes. Every process hands in the same shapes in the same order.</summary>
    public static void Average(IReadOnlyList<Tensor> tensors, IProcessGroup group)
    {
        if (group.WorldSize == 1)
            return;
        foreach (var bucket in Buckets(tensors))
        {
            using var scope = NewDisposeScope();
            var flat = cat([.. bucket.Select(tensor => tensor.reshape(-1))]);
            group.AllReduceSum(flat);
            flat.div_(group.WorldSize);
            long offset = 0;
            foreach (var tensor in bucket)
            {
                var count = tensor.numel();
                tensor.copy_(flat.narrow(0, offset, count).view(tensor.shape));
                offset += count;
            }
        }
    }

    /// <summary>Rank 0's values for every process, in place.</summary>
    public static void Broadcast(IEnumerable<Tensor> tensors, IProcessGroup group)
    {
        if (group.WorldSize == 1)
            return;
        using var _ = no_grad();
        foreach (var tensor in tensors)
        {
            using var scope = NewDisposeScope();
            var sent = tensor.detach().contiguous();
            group.Broadcast(sent);
            tensor.copy_(sent);
        }
    }

    private static IEnumerable<List<Tensor>> Buckets(IReadOnlyList<Tensor> tensors)
    {
        foreach (var sameType in tensors.GroupBy(tensor => tensor.dtype))
        {
            var bucket = new List<Tensor>();
            long bytes = 0;
            foreach (var tensor in sameType)
            {
                bucket.Add(tensor);
                bytes += tensor.numel() * tensor.element_size();
                if (bytes < BucketBytes)
                    continue;
                yield return bucket;
                (bucket, bytes) = ([], 0);
            }
            if (bucket.Count > 0)
                yield return bucket;
        }
    }
}
