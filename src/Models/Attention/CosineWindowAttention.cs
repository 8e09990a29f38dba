using Tessera.Framework.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>
/// Tokens of a window attend each other by the cosine of query and key, times a learned scale of at most 100 for each head, with a bias
/// that a small network gives for any relative position on a logarithmic scale.
/// </summary>
/// <remarks>Liu et al., "Swin Transformer V2", 2022, arXiv:2111.09883, sections 3.2 and 3.3, equations 2 to 4. Parameter names are the
/// authors'.</remarks>
internal sealed class CosineWindowAttention : ShiftedWindowAttention
{
    private const int Hidden = 512;
    private const double Nearest = 8; // offsets are counted in eighths of a window
    private const double LargestBias = 16;

    private static readonly double _largestScale = Math.Log(100);

    private readonly Parameter logit_scale; // [heads, 1, 1], a logarithm
    private readonly Sequential cpb_mlp;

    private readonly (int Y, int X) _window;
    private readonly int _pretrained;

    /// <param name="window">Height and width of a window.</param>
    /// <param name="pretrained">Side of the windows that the network of the bias was trained with; 0: these.</param>
    public CosineWindowAttention((int Y, int X) window, int pretrained, WindowPadding padding, AttentionShape shape)
        : base(nameof(CosineWindowAttention), new WindowAttentionOptions(Padding: padding), window, shape)
    {
        (_window, _pretrained) = (window, pretrained);
        logit_scale = Parameter(full([shape.Heads, 1, 1], Math.Log(10), dtype: ScalarType.Float32));
        cpb_mlp = Sequential(Linear(2, Hidden), ReLU(), Linear(Hidden, shape.Heads, hasBias: false));
        RegisterComponents();
    }

    protected override (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x, TokenGrid grid)
    {
        var (queries, keys, values) = base.Project(x, grid);
        var scale = logit_scale.clamp_max(_largestScale).exp() * Math.Sqrt(queries.shape[3]); // the root is divided by afterwards
        return (
            (functional.normalize(queries, dim: -1) * scale).to(values.dtype),
            functional.normalize(keys, dim: -1).to(values.dtype),
            values
        );
    }

    private protected override Tensor Compared(Tensor key) => functional.normalize(key, dim: -1);

    private protected override Tensor BiasTable(Device device)
    {
        var coordinates = Tables.Get(nameof(BiasTable), device, () => [Coordinates(device)])[0]!;
        return cpb_mlp.call(coordinates.to(logit_scale.dtype)).sigmoid() * LargestBias;
    }

    /// <summary>Offsets of two tokens, [(2 Wh - 1) (2 Ww - 1), 2]: sign(x) log2(1 + 8 |x|) / 3 of x windows.</summary>
    private Tensor Coordinates(Device device)
    {
        var (down, right) = (Axis(_window.Y), Axis(_window.X));
        return tensor(down.SelectMany(y => right.SelectMany(x => new[] { y, x })).ToArray(), device: device).view(-1, 2);
    }

    private float[] Axis(int window)
    {
        double unit = Math.Max(1, (_pretrained > 0 ? _pretrained : window) - 1);
        return
        [
            .. Enumerable
                .Range(1 - window, (2 * window) - 1)
                .Select(offset => (float)(Math.Sign(offset) * Math.Log2(1 + (Nearest * Math.Abs(offset) / unit)) / Math.Log2(Nearest))),
        ];
    }
}
