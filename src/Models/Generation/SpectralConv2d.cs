using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Generation;

/// <summary>A convolution whose weights are divided by their largest singular value, so that it stretches nothing; biases are as they
/// are.</summary>
/// <remarks>
/// Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, arXiv:1802.05957. The weights are taken as the matrix
/// [out, in x height x width]; each step in training mode improves its two singular vectors by one power iteration, evaluation takes them
/// as they are. Names in the state are those of PyTorch's spectral_norm: <c>weight_orig</c>, <c>weight_u</c>, <c>weight_v</c>,
/// <c>bias</c>.
/// </remarks>
public sealed class SpectralConv2d : Module<Tensor, Tensor>
{
    private const double Smallest = 1e-12; // of a norm that is divided by
    private const int FirstIterations = 15;

    private readonly Parameter weight_orig;
    private readonly Parameter? bias;
    private readonly Tensor weight_u;
    private readonly Tensor weight_v;

    private readonly long _stride;
    private readonly long _padding;

    /// <param name="kernel">Height and width.</param>
    public SpectralConv2d(long inChannels, long outChannels, long kernel, long stride = 1, long padding = 0, bool bias = true)
        : base(nameof(SpectralConv2d))
    {
        (_stride, _padding) = (stride, padding);
        using (var drawn = Conv2d(inChannels, outChannels, kernel, stride: stride, padding: padding, bias: bias))
        {
            weight_orig = new Parameter(drawn.weight!.detach().clone());
            this.bias = drawn.bias is null ? null : new Parameter(drawn.bias.detach().clone());
        }
        using (NewDisposeScope())
        {
            weight_u = Unit(randn(outChannels)).MoveToOuterDisposeScope();
            weight_v = Unit(randn(inChannels * kernel * kernel)).MoveToOuterDisposeScope();
        }
        RegisterComponents();
        Settle();
    }

    /// <summary>Draws the weights from a normal distribution of mean 0; biases become 0.</summary>
    public void Start(double deviation)
    {
        init.normal_(weight_orig, std: deviation);
        if (bias is not null)
            init.zeros_(bias);
        Settle();
    }

    /// <param name="x">[B, in, H, W].</param>
    /// <returns>[B, out, H', W'].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var matrix = weight_orig.flatten(1);
        if (training)
            Improve(matrix.detach());
        // Copies: the backward pass needs them as they are now, and another forward pass may come before it.
        var (u, v) = (weight_u.clone(), weight_v.clone());
        var largest = (Times(matrix, v) * u).sum();
        return scope.MoveToOuter(
            functional.conv2d(x, weight_orig / largest, bias, strides: [_stride, _stride], padding: [_padding, _padding])
        );
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            weight_u.Dispose();
            weight_v.Dispose();
        }
        base.Dispose(disposing);
    }

    // Vectors drawn at random are far from the singular ones.
    private void Settle()
    {
        using var scope = NewDisposeScope();
        var matrix = weight_orig.detach().flatten(1);
        for (var i = 0; i < FirstIterations; i++)
            Improve(matrix);
    }

    private void Improve(Tensor matrix)
    {
        using var still = no_grad();
        weight_v.copy_(Unit((matrix * weight_u.unsqueeze(1)).sum([0])));
        weight_u.copy_(Unit(Times(matrix, weight_v)));
    }

    // By sums: a product of matrices would be rounded to bf16 in mixed precision.
    private static Tensor Times(Tensor matrix, Tensor v) => (matrix * v).sum([1]);

    private static Tensor Unit(Tensor vector) => vector / vector.norm().clamp_min(Smallest);
}
