using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Generation.Denoising;

/// <summary>A residual block that adds an embedding between its convolutions, perhaps followed by self-attention of one head over all
/// places.</summary>
internal sealed class UNetBlock : Module<Tensor, Tensor, Tensor>
{
    private readonly GroupNorm norm1;
    private readonly Conv2d conv1;
    private readonly Linear embed;
    private readonly GroupNorm norm2;
    private readonly Conv2d conv2;
    private readonly Conv2d? shortcut;
    private readonly GroupNorm? attention_norm;
    private readonly Conv2d? qkv;
    private readonly Conv2d? proj;

    private readonly double _dropout;

    public UNetBlock(int width, int channels, int embedWidth, int groups, double dropout, bool attends)
        : base(nameof(UNetBlock))
    {
        _dropout = dropout;
        norm1 = Norms.GroupNorm(groups, width);
        conv1 = Conv2d(width, channels, 3, padding: 1);
        embed = Linear(embedWidth, channels);
        norm2 = Norms.GroupNorm(groups, channels);
        conv2 = Conv2d(channels, channels, 3, padding: 1);
        shortcut = width == channels ? null : Conv2d(width, channels, 1);
        if (attends)
        {
            attention_norm = Norms.GroupNorm(groups, channels);
            qkv = Conv2d(channels, 3 * channels, 1);
            proj = Conv2d(channels, channels, 1);
        }
        RegisterComponents();
        Zero(conv2);
        if (proj is not null)
            Zero(proj);
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <param name="embedding">[B, embedWidth].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x, Tensor embedding)
    {
        using var scope = NewDisposeScope();
        var inner = conv1.call(Silu(Normed(norm1, x)));
        inner = inner + embed.call(Silu(embedding)).unsqueeze(2).unsqueeze(3);
        inner = Silu(Normed(norm2, inner));
        if (_dropout > 0)
            inner = functional.dropout(inner, _dropout, training);
        x = (shortcut?.call(x) ?? x) + conv2.call(inner);
        return scope.MoveToOuter(qkv is null ? x : x + proj!.call(Attended(x)));
    }

    /// <summary>In mixed precision float32: libtorch's norm takes no other on the CPU.</summary>
    internal static Tensor Normed(GroupNorm norm, Tensor x) => norm.call(x.to(norm.weight!.dtype));

    internal static Tensor Silu(Tensor x) => x * x.sigmoid();

    internal static void Zero(Conv2d convolution)
    {
        init.zeros_(convolution.weight!);
        init.zeros_(convolution.bias!);
    }

    /// <returns>[B, channels, H, W].</returns>
    private Tensor Attended(Tensor x)
    {
        var (batch, channels, height, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
        var parts = qkv!.call(Normed(attention_norm!, x)).reshape(batch, 3, channels, height * width);
        var (query, key, value) = (parts.select(1, 0), parts.select(1, 1), parts.select(1, 2)); // [B, channels, N]
        var weights = (query.transpose(1, 2).matmul(key) / Math.Sqrt(channels)).softmax(2); // [B, N, N]
        return value.matmul(weights.transpose(1, 2)).reshape(batch, channels, height, width);
    }
}
