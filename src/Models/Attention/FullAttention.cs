namespace Tessera.Models.Attention;

/// <summary>Every token attends every token.</summary>
/// <remarks>Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762.</remarks>
[Component("FullAttention")]
public sealed class FullAttention : DenseAttention
{
    public FullAttention(AttentionShape shape)
        : base(nameof(FullAttention), shape) => RegisterComponents();

    internal override bool ComparesTokens => true;
}
