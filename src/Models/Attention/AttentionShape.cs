using Tessera.Models.Attention.Core;

namespace Tessera.Models.Attention;

/// <summary>Which layers make queries, keys and values, and which of these have a bias where there are biases.</summary>
public enum QkvLayout
{
    /// <summary>One layer "qkv", with a bias for all three.</summary>
    Fused,

    /// <summary>One layer "qkv" without a bias; "q_bias" and "v_bias" are added, keys have none: EVA-02, DINOv3, Swin V2.</summary>
    NoKeyBias,

    /// <summary>Three layers "q_proj", "k_proj" and "v_proj", the second without a bias: EVA-02 from its base size on.</summary>
    Separate,
}

/// <summary>What a transformer tells each of its attention layers.</summary>
/// <param name="Channels">Width of a token; a multiple of <paramref name="Heads"/>.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Block">Number of the block in its stage, from 0.</param>
/// <param name="Bias">Whether queries, keys and values have a bias.</param>
/// <param name="WeightDropout">Dropout of the attention weights.</param>
/// <param name="Dropout">Dropout of the output.</param>
/// <param name="Fused">One layer "qkv" makes queries, keys and values, as in ViT and Swin; otherwise "q" and "kv", as in PVT.</param>
/// <param name="Layout">Of fused layers: which there are, and what has a bias.</param>
public sealed record AttentionShape(
    int Channels,
    int Heads,
    int Block = 0,
    bool Bias = true,
    double WeightDropout = 0,
    double Dropout = 0,
    bool Fused = true,
    QkvLayout Layout = QkvLayout.Fused
)
{
    /// <summary>Turns queries and keys by their positions; null: nothing does.</summary>
    internal RotaryPositions? Rotary { get; init; }

    /// <summary>Whether a layer must have queries, keys and values of each token made as <see cref="TokenAttention"/> makes them.</summary>
    internal bool IsSpecial => Rotary is not null || Layout != QkvLayout.Fused;
}
