using Tessera.Models.Explanation.Attention;

namespace Tessera.Explaining;

/// <summary>Which attention is looked at, and how it is put together.</summary>
public sealed record AttentionRequest
{
    /// <summary>Numbers of the attention layers, in the order in which they run, from 0; empty: all.</summary>
    public IReadOnlyList<int> Blocks { get; init; } = [];

    /// <summary>How the heads of a block are joined; null: each has its own map, and their mean goes into the synthesis.</summary>
    public HeadFusion? Heads { get; init; } = HeadFusion.Mean;

    /// <summary>How the blocks become one map.</summary>
    public SynthesisKind Synthesis { get; init; } = SynthesisKind.Rollout;

    /// <summary>For <see cref="SynthesisKind.Relevance"/>: a class's or value's name; of a detector also "1", "2" …, its objects, the best
    /// first; of a segmentor also "road@10:20:90:120", a class over a rectangle of the photograph. null: the best class, the best
    /// object, or the class of the most pixels.</summary>
    public string? Target { get; init; }

    /// <summary>The block whose map is cut into foreground and background; null: none.</summary>
    public int? Foreground { get; init; }

    /// <summary>How it is cut.</summary>
    public AttentionForeground Threshold { get; init; } = AttentionForeground.Parse("otsu");
}
