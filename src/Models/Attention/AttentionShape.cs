namespace Tessera.Models.Attention;

/// <summary>What a transformer tells each of its attention layers.</summary>
/// <param name="Channels">Width of a token; a multiple of <paramref name="Heads"/>.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Block">Number of the block in its stage, from 0.</param>
/// <param name="Bias">Whether queries, keys and values have a bias.</param>
/// <param name="WeightDropout">Dropout of the attention weights.</param>
/// <param name="Dropout">Dropout of the output.</param>
/// <param name="Fused">One layer "qkv" makes queries, keys and values, as in ViT and Swin; otherwise "q" and "kv", as in PVT.</param>
public sealed record AttentionShape(
    int Channels,
    int Heads,
    int Block = 0,
    bool Bias = true,
    double WeightDropout = 0,
    double Dropout = 0,
    bool Fused = true
);
