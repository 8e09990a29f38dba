using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>Which blocks have their windows shifted by half a window.</summary>
public enum WindowShift
{
    /// <summary>Every second block of a stage, from the second.</summary>
    Alternate,

    /// <summary>No block.</summary>
    Never,

    /// <summary>Every block.</summary>
    Always,
}

/// <param name="WindowSize">Side of a window.</param>
/// <param name="Shift">Which blocks have their windows shifted by half a window: "alternate", "never" or "always".</param>
/// <param name="Layout">"grid": square windows; "sequence": runs of tokens.</param>
public sealed record WindowAttentionOptions(
    [property: Range(1, 1024)] int WindowSize = 7, WindowShift Shift = WindowShift.Alternate, TokenLayout Layout = TokenLayout.Grid);

/// <summary>
/// Tokens of a window attend each other, with a learned bias for each relative position. The weights can be tapped under
/// the name "weights", [B, heads, windows, T, T].
/// </summary>
/// <remarks>
/// Liu et al., "Swin Transformer", 2021, arXiv:2103.14030, with the cyclic shift. Departs from the published code in that
/// the padding of a grid which the window does not divide is masked. Along an axis that one window covers, nothing is shifted.
/// </remarks>
[Component("WindowAttention")]
public sealed class WindowAttention : PatternAttention
{
    private readonly Parameter relative_position_bias_table; // [(2 Wh - 1) (2 Ww - 1), heads]
    private readonly AttentionWeights weights = new();
    private readonly int _windowY;
    private readonly int _windowX;
    private readonly bool _shifted;
    private readonly TokenLayout _layout;

    public WindowAttention(WindowAttentionOptions options, AttentionShape shape) : base(nameof(WindowAttention), shape)
    {
        (_windowY, _windowX) = (options.Layout == TokenLayout.Grid ? options.WindowSize : 1, options.WindowSize);
        _shifted = options.Shift == WindowShift.Always || (options.Shift == WindowShift.Alternate && shape.Block % 2 == 1);
        _layout = options.Layout;
        relative_position_bias_table = Parameter(zeros(((2 * _windowY) - 1) * ((2 * _windowX) - 1), shape.Heads));
        RegisterComponents();
        Initialize.TruncatedNormal(relative_position_bias_table, deviation: 0.02);
    }

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var places = new Places(grid, _layout);
        var (height, width) = (places.Height + Residues.Missing(places.Height, _windowY), places.Width + Residues.Missing(places.Width, _windowX));
        var (shiftY, shiftX) = (Shift(places.Height, _windowY), Shift(places.Width, _windowX));

        Tensor Windows(Tensor x)
        {
            x = x.view(x.shape[0], places.Height, places.Width, x.shape[2]);
            if (height > places.Height || width > places.Width) x = functional.pad(x, [0, 0, 0, width - places.Width, 0, height - places.Height]);
            if (shiftY + shiftX > 0) x = x.roll([-shiftY, -shiftX], [1, 2]);
            return x.reshape(x.shape[0], height / _windowY, _windowY, width / _windowX, _windowX, x.shape[3]).permute(0, 1, 3, 2, 4, 5)
                .reshape(x.shape[0], -1, _windowY * _windowX, x.shape[3]); // [X, windows, T, d]
        }

        Tensor Back(Tensor x)
        {
            x = x.view(x.shape[0], height / _windowY, width / _windowX, _windowY, _windowX, x.shape[3]).permute(0, 1, 3, 2, 4, 5)
                .reshape(x.shape[0], height, width, x.shape[3]);
            if (shiftY + shiftX > 0) x = x.roll([shiftY, shiftX], [1, 2]);
            return x.narrow(1, 0, places.Height).narrow(2, 0, places.Width).flatten(1, 2);
        }

        var bias = Bias(queries.device).unsqueeze(1); // [heads, 1, T, T]
        var apart = Apart(places, height, width, shiftY, shiftX)?.to(queries.device);
        Tensor Adjust(Tensor logits, BlockSoftmax.Part part)
        {
            var byHead = logits.view(-1, Shape.Heads, logits.shape[1], logits.shape[2], logits.shape[3]);
            byHead = byHead + part.Of(bias);
            if (apart is not null) byHead = byHead.masked_fill_(part.Of(apart), BlockSoftmax.Masked);
            return byHead.view(logits.shape);
        }

        var (q, k, v) = (Windows(queries), Windows(keys), Windows(values));
        if (weights.Tapped && !sums)
        {
            var all = new BlockSoftmax.Part(0, q.shape[1], 0, q.shape[2]);
            var attention = Adjust(q.matmul(k.transpose(-2, -1)), all).softmax(-1);
            attention = weights.call(attention.view(-1, Shape.Heads, q.shape[1], q.shape[2], q.shape[2])).view(attention.shape);
            if (WeightDropout > 0) attention = functional.dropout(attention, WeightDropout);
            return new Attended(Back(attention.matmul(v)), null);
        }
        var result = BlockSoftmax.Run(q, k, v, Adjust, WeightDropout, sums);
        return new Attended(Back(result.Out), result.Sums is null ? null : Back(result.Sums));
    }

    private int Shift(int length, int window) => _shifted && length > window ? window / 2 : 0;

    /// <summary>The bias of each pair of a window's tokens, [heads, T, T].</summary>
    private Tensor Bias(Device device)
    {
        var tokens = _windowY * _windowX;
        var index = new long[tokens * tokens];
        for (var a = 0; a < tokens; a++)
            for (var b = 0; b < tokens; b++)
            {
                var (down, right) = ((a / _windowX) - (b / _windowX) + _windowY - 1, (a % _windowX) - (b % _windowX) + _windowX - 1);
                index[(a * tokens) + b] = (down * ((2 * _windowX) - 1)) + right;
            }
        return relative_position_bias_table.index_select(0, tensor(index, device: device)).view(tokens, tokens, Shape.Heads).permute(2, 0, 1);
    }

    /// <summary>Pairs within a window of the shifted, padded grid that are no neighbours, or no tokens: [windows, T, T]; null where there are none.</summary>
    private Tensor? Apart(Places places, int height, int width, int shiftY, int shiftX)
    {
        if (shiftY + shiftX == 0 && height == places.Height && width == places.Width) return null;
        var (across, tokens) = (width / _windowX, _windowY * _windowX);
        var regions = new long[height * width]; // by window, then by token
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                // Where position (y, x) of the shifted grid comes from; what came around the border is a region of its own.
                var (fromY, fromX) = ((y + shiftY) % height, (x + shiftX) % width);
                var region = fromY >= places.Height || fromX >= places.Width ? -1 : (fromY < y ? 2 : 0) + (fromX < x ? 1 : 0);
                regions[((((y / _windowY) * across) + (x / _windowX)) * tokens) + ((y % _windowY) * _windowX) + (x % _windowX)] = region;
            }
        var region2 = tensor(regions).view(-1, tokens, 1);
        return region2.ne(region2.transpose(1, 2));
    }
}
