using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <summary>
/// Self-attention that starts like that of a trained network: tokens attend to tokens like themselves, and what comes back points
/// away from what went in. Lets transformers learn from small data sets in far fewer epochs.
/// </summary>
/// <remarks>Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers", 2023, arXiv:2305.09828; factors as proposed there for
/// vision.</remarks>
internal static class MimeticInitialization
{
    private const double Likeness = 0.7; // W_Q W_Kᵀ ≈ 0.7 Z + 0.7 I, head by head
    private const double Opposition = 0.4; // W_V W_proj ≈ 0.4 Z - 0.4 I

    /// <param name="qkv">[3 · C, C]: the rows of the queries of all heads, of the keys, of the values. Filled in place.</param>
    /// <param name="proj">[C, C]. Filled in place.</param>
    public static void Fill(Tensor qkv, Tensor proj, int heads)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var channels = (int)proj.shape[0];
        var head = channels / heads;
        for (var h = 0; h < heads; h++)
        {
            var (queries, keys) = Factors(Random(channels).mul(Likeness).add(eye(channels).mul(Likeness)), head);
            qkv.narrow(0, h * head, head).copy_(queries.t());
            qkv.narrow(0, channels + (h * head), head).copy_(keys.t());
        }
        var (values, projection) = Factors(Random(channels).mul(Opposition).sub(eye(channels).mul(Opposition)), channels);
        qkv.narrow(0, 2 * channels, channels).copy_(values.t());
        proj.copy_(projection);
    }

    // Z of the paper: N(0, 1 / C).
    private static Tensor Random(int channels) => randn(channels, channels).mul(1 / Math.Sqrt(channels));

    // A, B [C, rank] with A Bᵀ the best approximation of the product of that rank.
    private static (Tensor A, Tensor B) Factors(Tensor product, int rank)
    {
        var (u, s, vh) = linalg.svd(product, fullMatrices: false);
        var root = s.narrow(0, 0, rank).sqrt();
        return (u.narrow(1, 0, rank).mul(root), vh.narrow(0, 0, rank).t().mul(root));
    }
}
