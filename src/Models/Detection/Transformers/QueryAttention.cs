using Tessera.Models.Attention;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Transformers;

/// <summary>Attention of queries to keys that may be others, with values of their own. Parameters are named as in PyTorch's
/// MultiheadAttention: in_proj_weight, in_proj_bias, out_proj.</summary>
/// <remarks>Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762.</remarks>
public sealed class QueryAttention : Module<Tensor, Tensor, Tensor, Tensor?, Tensor>
{
    private const long Largest = 1L << 30; // weights: 4 GB

    private readonly Parameter in_proj_weight; // rows: the queries of all heads, then the keys, then the values
    private readonly Parameter in_proj_bias;
    private readonly Linear out_proj;
    private readonly int _heads;
    private readonly double _dropout;

    internal QueryAttention(int channels, int heads, double dropout)
        : base(nameof(QueryAttention))
    {
        (_heads, _dropout) = (heads, dropout);
        in_proj_weight = new Parameter(init.xavier_uniform_(empty(3 * channels, channels)));
        in_proj_bias = new Parameter(zeros(3 * channels));
        out_proj = Linear(channels, channels);
        init.zeros_(out_proj.bias!);
        RegisterComponents();
    }

    /// <param name="queries">[B, N, C].</param>
    /// <param name="keys">[B, M, C].</param>
    /// <param name="values">[B, M, C].</param>
    /// <param name="mask">[B or 1, 1, N or 1, M], true where a key may be seen; null: all may.</param>
    /// <returns>[B, N, C].</returns>
    /// <exception cref="UserErrorException">The weights would take more than 4 GB.</exception>
    public override Tensor forward(Tensor queries, Tensor keys, Tensor values, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var (weights, biases) = (in_proj_weight.chunk(3), in_proj_bias.chunk(3));
        var q = Heads(functional.linear(queries, weights[0], biases[0]));
        var k = Heads(functional.linear(keys, weights[1], biases[1]));
        var v = Heads(functional.linear(values, weights[2], biases[2]));
        var mixed = Mix(q, k, v, mask).transpose(1, 2).reshape(queries.shape);
        return scope.MoveToOuter(out_proj.call(mixed));
    }

    private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], _heads, -1).transpose(1, 2); // [B, heads, N, d]

    private Tensor Mix(Tensor queries, Tensor keys, Tensor values, Tensor? mask)
    {
        var (rows, pairs) = (queries.shape[0] * queries.shape[1], queries.shape[2] * keys.shape[2]);
        if (rows * pairs > Largest)
            throw new UserErrorException(
                $"Attention of {queries.shape[2]:#,0} queries to {keys.shape[2]:#,0} keys, {rows} times (images and heads), has "
                    + $"{rows * pairs:#,0} weights, more than memory is taken for ({Largest:#,0}): take fewer queries, smaller images or "
                    + "fewer at once."
            );
        var dropout = training ? _dropout : 0;
        if (!DenseAttention.PartsAreFaster(queries, pairs))
            return functional.scaled_dot_product_attention(queries, keys, values, mask, dropout);
        var scores = queries.mul(1 / Math.Sqrt(queries.shape[3])).matmul(keys.transpose(-2, -1));
        if (mask is not null)
            scores = scores.masked_fill(mask.logical_not(), double.NegativeInfinity);
        var weights = scores.softmax(-1); // [B, heads, N, M]
        return (dropout > 0 ? functional.dropout(weights, dropout) : weights).matmul(values);
    }
}
