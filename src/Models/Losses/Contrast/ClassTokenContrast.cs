using Tessera.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Contrast;

/// <summary>Keeps the tokens of different classes apart: each is to be more like itself than like the others.</summary>
/// <remarks>Xu et al., "MCTformer+", 2023, arXiv:2308.03005: cross entropy of the tokens' cosines against the identity, the mean over the
/// classes that an image shows, then over blocks and images. An image that shows none gives 0.</remarks>
public static class ClassTokenContrast
{
    /// <param name="tokens">Of each block, [B, classes, C].</param>
    /// <param name="labels">[B, classes], in [0, 1].</param>
    /// <returns>A scalar, float32.</returns>
    public static Tensor Of(IReadOnlyList<Tensor> tokens, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var wanted = labels.to(ScalarType.Float32);
        var share = wanted / (wanted.sum(1, keepdim: true) + 1e-8); // [B, classes]
        Tensor? sum = null;
        foreach (var block in tokens)
        {
            var unit = functional.normalize(block.to(ScalarType.Float32), dim: -1);
            var alike = unit.matmul(unit.transpose(1, 2)).log_softmax(1); // [B, classes, classes]
            var loss = -(alike.diagonal(dim1: 1, dim2: 2) * share).sum(1).mean();
            sum = sum is null ? loss : sum + loss;
        }
        return scope.MoveToOuter(sum! / tokens.Count);
    }
}
