using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>Stochastic depth: in training, leaves a residual branch out for some samples and scales the others up.</summary>
/// <remarks>Huang et al., "Deep Networks with Stochastic Depth", 2016, arXiv:1603.09382.</remarks>
/// <param name="rate">Probability that a sample's branch is left out, in [0, 1).</param>
public sealed class DropPath(double rate) : nn.Module<Tensor, Tensor>(nameof(DropPath))
{
    /// <summary>Probability that a sample's branch is left out.</summary>
    public double Rate => rate;

    /// <param name="x">[B, …], a residual branch.</param>
    public override Tensor forward(Tensor x)
    {
        if (!training || rate == 0)
            return x;
        using var scope = NewDisposeScope();
        var shape = new long[x.dim()];
        Array.Fill(shape, 1);
        shape[0] = x.shape[0];
        var kept = empty(shape, dtype: x.dtype, device: x.device).bernoulli_(1 - rate).div_(1 - rate);
        return scope.MoveToOuter(x * kept);
    }

    /// <summary>Rates that rise linearly from 0 to <paramref name="last"/> over the blocks, as the paper has them.</summary>
    public static double[] Linear(double last, int blocks) =>
        [.. Enumerable.Range(0, blocks).Select(i => blocks == 1 ? last : last * i / (blocks - 1))];
}
