using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>Multi-head self-attention over tokens. Its weights can be tapped under the name "weights".</summary>
/// <remarks>Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762.</remarks>
public sealed class SelfAttention : nn.Module<Tensor, Tensor>
{
    private readonly Linear qkv; // rows: the queries of all heads, then the keys, then the values
    private readonly Linear proj;
    private readonly AttentionWeights weights = new();
    private readonly int _heads;
    private readonly double _weightDropout;
    private readonly double _dropout;

    /// <param name="channels">Width of a token; a multiple of <paramref name="heads"/>.</param>
    /// <param name="weightDropout">Dropout of the attention weights.</param>
    /// <param name="dropout">Dropout of the output.</param>
    public SelfAttention(int channels, int heads, bool qkvBias = true, double weightDropout = 0, double dropout = 0) : base(nameof(SelfAttention))
    {
        if (channels % heads != 0) throw new UserErrorException($"Attention needs a width that its heads divide; {channels} is no multiple of {heads}.");
        (_heads, _weightDropout, _dropout) = (heads, weightDropout, dropout);
        qkv = Linear(channels, 3 * channels, qkvBias);
        proj = Linear(channels, channels);
        RegisterComponents();
    }

    /// <summary>Fills the weights as <see cref="MimeticInitialization"/> has it; biases stay.</summary>
    internal void StartMimetic() => MimeticInitialization.Fill(qkv.weight!, proj.weight!, _heads);

    /// <param name="x">[B, N, channels].</param>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (batch, tokens, channels) = (x.shape[0], x.shape[1], x.shape[2]);
        var parts = qkv.call(x).view(batch, tokens, 3, _heads, channels / _heads).permute(2, 0, 3, 1, 4).unbind(0); // 3 x [B, heads, N, d]
        var dropout = training ? _weightDropout : 0;
        Tensor mixed; // [B, heads, N, d]
        if (weights.Tapped)
        {
            var scale = 1 / Math.Sqrt(channels / _heads);
            var attention = weights.call(parts[0].mul(scale).matmul(parts[1].transpose(-2, -1)).softmax(-1)); // [B, heads, N, N]
            mixed = (dropout > 0 ? functional.dropout(attention, dropout) : attention).matmul(parts[2]);
        }
        else
        {
            mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], p: dropout);
        }
        x = proj.call(mixed.transpose(1, 2).reshape(batch, tokens, channels));
        return scope.MoveToOuter(_dropout > 0 ? functional.dropout(x, _dropout, training) : x);
    }
}
