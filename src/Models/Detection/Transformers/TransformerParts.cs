using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Transformers;

/// <summary>What the layers of a transformer have in common.</summary>
/// <param name="Channels">Width of a token; a multiple of <paramref name="Heads"/>.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Hidden">Width between the two linear layers of each.</param>
/// <param name="Dropout">Of attention weights, between the linear layers, and of every residual branch.</param>
internal sealed record TransformerShape(int Channels, int Heads, int Hidden, double Dropout)
{
    /// <param name="unit">Positions need a multiple of it.</param>
    /// <exception cref="UserErrorException">The width doesn't fit.</exception>
    public TransformerShape Checked(string model, int unit) =>
        Channels % Heads == 0 && Channels % unit == 0
            ? this
            : throw new UserErrorException(
                $"{model}: embed_dim {Channels} must be a multiple of num_heads ({Heads}) and, for positions, of {unit}."
            );
}

/// <summary>Linear layers with ReLU between, applied to each token. Names: layers.0, layers.1, …</summary>
public sealed class TokenMlp : Module<Tensor, Tensor>
{
    private readonly ModuleList<Linear> layers = new();

    internal TokenMlp(int channels, int hidden, int outputs, int depth)
        : base(nameof(TokenMlp))
    {
        for (var i = 0; i < depth; i++)
            layers.Add(Linear(i == 0 ? channels : hidden, i == depth - 1 ? outputs : hidden));
        RegisterComponents();
    }

    /// <summary>In their order.</summary>
    internal IReadOnlyList<Linear> Layers => [.. layers];

    /// <param name="x">[…, channels].</param>
    /// <returns>[…, outputs].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < layers.Count; i++)
            x = i == 0 ? layers[i].call(x) : layers[i].call(Rectifier.Of(x));
        return scope.MoveToOuter(x);
    }
}

/// <summary>Self-attention, then two linear layers; a norm after each residual sum.</summary>
public sealed class EncoderLayer : Module<Tensor, Tensor, Tensor?, Tensor>
{
    private readonly QueryAttention self_attn;
    private readonly Linear linear1;
    private readonly Linear linear2;
    private readonly LayerNorm norm1;
    private readonly LayerNorm norm2;
    private readonly double _dropout;
    private readonly bool _gelu;

    /// <param name="gelu">Between the linear layers, instead of ReLU.</param>
    internal EncoderLayer(TransformerShape shape, bool gelu = false)
        : base(nameof(EncoderLayer))
    {
        (_dropout, _gelu) = (shape.Dropout, gelu);
        self_attn = new QueryAttention(shape.Channels, shape.Heads, shape.Dropout);
        (linear1, linear2) = (Linear(shape.Channels, shape.Hidden), Linear(shape.Hidden, shape.Channels));
        (norm1, norm2) = (LayerNorm(shape.Channels), LayerNorm(shape.Channels));
        RegisterComponents();
    }

    /// <param name="x">[B, N, C].</param>
    /// <param name="positions">[B or 1, N, C], of queries and keys.</param>
    /// <param name="mask">As <see cref="QueryAttention"/> takes it.</param>
    /// <returns>[B, N, C].</returns>
    public override Tensor forward(Tensor x, Tensor positions, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var placed = x + positions;
        x = norm1.call(x + Dropped(self_attn.call(placed, placed, x, mask)));
        var hidden = linear1.call(x);
        hidden = _gelu ? functional.gelu(hidden) : Rectifier.Of(hidden);
        return scope.MoveToOuter(norm2.call(x + Dropped(linear2.call(Dropped(hidden)))));
    }

    private Tensor Dropped(Tensor x) => _dropout > 0 ? functional.dropout(x, _dropout, training) : x;
}
