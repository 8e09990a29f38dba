using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// Weights of a stem for images of another number of channels, so that an image whose channels are alike gives what it gave:
/// to one channel they are summed; from one or three to more they are repeated and scaled.
/// </summary>
/// <remarks>As timm's <c>adapt_input_conv</c> does; from one channel to several in the same way.</remarks>
internal static class StemChannels
{
    /// <returns>The tensor in the wanted shape, and what was done; null where it can't be done, or need not.</returns>
    public static (Tensor Tensor, string Done)? Adapt(StemTensor stem, Tensor stored, IReadOnlyList<long> wanted)
    {
        var dimension = stem.Role == StemRole.Weight ? 1 : 0;
        if (stored.dim() != wanted.Count || stored.dim() <= dimension)
            return null;
        for (var i = 0; i < wanted.Count; i++)
            if (i != dimension && stored.shape[i] != wanted[i])
                return null;
        var each = stem.Outer * stem.Inner;
        if (stored.shape[dimension] % each != 0 || wanted[dimension] % each != 0)
            return null;
        var (from, to) = (stored.shape[dimension] / each, wanted[dimension] / each);
        if (from == to || from < 1 || to < 1 || (to != 1 && from is not (1 or 3)))
            return null;

        using var scope = NewDisposeScope();
        var byChannel = stored.unflatten(dimension, [stem.Outer, from, stem.Inner]);
        var channels = dimension + 1;
        Tensor result;
        if (to == 1)
        {
            var single = byChannel.to(ScalarType.Float32);
            single = stem.Role == StemRole.Weight ? single.sum([channels], keepdim: true) : single.mean([channels], keepdim: true);
            result = single.to(stored.dtype);
        }
        else
        {
            using var order = arange(to).remainder(from).to(ScalarType.Int64);
            result = byChannel.index_select(channels, order);
            if (stem.Role == StemRole.Weight)
                result = result * ((double)from / to);
        }
        var done =
            to == 1
                ? stem.Role == StemRole.Weight
                    ? "summed"
                    : "averaged"
                : stem.Role == StemRole.Weight
                    ? $"repeated and scaled by {from}/{to}"
                    : "repeated";
        return (
            scope.MoveToOuter(result.flatten(dimension, dimension + 2)),
            $"{from} channel{(from == 1 ? "" : "s")} of the image in the file, {to} here: {done}"
        );
    }
}
