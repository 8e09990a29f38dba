using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
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

/// <summary>What fills up a grid that the window does not divide.</summary>
public enum WindowPadding
{
    /// <summary>Tokens of zeros, which pass through the layer of queries, keys and values and are attended, as in MMLab and the authors'
    /// detectors.</summary>
    Attended,

    /// <summary>The same, but put on after the shift, as in timm.</summary>
    AttendedAfterShift,

    /// <summary>Nothing: no token attends it.</summary>
    Masked,
}

/// <param name="WindowSize">Side of a window.</param>
/// <param name="Shift">Which blocks have their windows shifted by half a window: "alternate", "never" or "always".</param>
/// <param name="Layout">"grid": square windows; "sequence": runs of tokens.</param>
/// <param name="Padding">What fills up a grid that the window does not divide: "attended", "attended_after_shift" or "masked".</param>
public sealed record WindowAttentionOptions(
    [property: Range(1, 1024)] int WindowSize = 7,
    WindowShift Shift = WindowShift.Alternate,
    TokenLayout Layout = TokenLayout.Grid,
    [property: EarlierDefault(WindowPadding.Masked)] WindowPadding Padding = WindowPadding.Attended
);

/// <summary>
/// Tokens of a window attend each other, with a learned bias for each relative position. The weights can be tapped under
/// the name "weights", [B, heads, windows, T, T]; with leading tokens as of other patterns, [B, heads, N, N].
/// </summary>
/// <remarks>
/// Liu et al., "Swin Transformer", 2021, arXiv:2103.14030, with the cyclic shift. Along an axis that one window covers,
/// nothing is shifted, as in the authors' classifiers and timm; MMSegmentation shifts there, too.
/// </remarks>
[Component("WindowAttention")]
public sealed class WindowAttention : PatternAttention
{
    private readonly Parameter relative_position_bias_table; // [(2 Wh - 1) (2 Ww - 1), heads]
    private readonly int _windowY;
    private readonly int _windowX;
    private readonly bool _shifted;
    private readonly TokenLayout _layout;
    private readonly WindowPadding _padding;
    private readonly WindowTables _tables;

    public WindowAttention(WindowAttentionOptions options, AttentionShape shape)
        : base(nameof(WindowAttention), shape)
    {
        (_windowY, _windowX) = (options.Layout == TokenLayout.Grid ? options.WindowSize : 1, options.WindowSize);
        _shifted = options.Shift == WindowShift.Always || (options.Shift == WindowShift.Alternate && shape.Block % 2 == 1);
        (_layout, _padding) = (options.Layout, options.Padding);
        _tables = new WindowTables(_windowY, _windowX, masksPadding: _padding == WindowPadding.Masked, Tables);
        relative_position_bias_table = Parameter(zeros(((2 * _windowY) - 1) * ((2 * _windowX) - 1), shape.Heads));
        RegisterComponents();
        Initialize.TruncatedNormal(relative_position_bias_table, deviation: 0.02);
    }

    private protected override bool AttendsPadding => _padding != WindowPadding.Masked;

    private protected override IGroups Groups(TokenGrid grid) => Cut(grid);

    private protected override Attended Attend(Tensor queries, Tensor keys, Tensor values, TokenGrid grid, bool sums)
    {
        var cut = Cut(grid);
        var bias = Bias(queries.device).unsqueeze(1); // [heads, 1, T, T]
        var apart = _tables.Apart(cut, queries.device);
        Tensor Adjust(Tensor logits, BlockSoftmax.Part part)
        {
            var byHead = logits.view(-1, Shape.Heads, logits.shape[1], logits.shape[2], logits.shape[3]);
            byHead = byHead + part.Of(bias);
            if (apart is not null)
                byHead = byHead.masked_fill_(part.Of(apart), BlockSoftmax.Masked);
            return byHead.view(logits.shape);
        }

        var (keyFilling, valueFilling) =
            cut.IsPadded && _padding != WindowPadding.Masked ? Fillings(queries.shape[0], values.shape[2]) : (null, null);
        var (q, k, v) = (cut.Windows(queries, null), cut.Windows(keys, keyFilling), cut.Windows(values, valueFilling));
        if (weights.Tapped && !sums)
        {
            var all = new BlockSoftmax.Part(0, q.shape[1], 0, q.shape[2]);
            var attention = Adjust(q.matmul(k.transpose(-2, -1)), all).softmax(-1);
            attention = weights.call(attention.view(-1, Shape.Heads, q.shape[1], q.shape[2], q.shape[2])).view(attention.shape);
            if (WeightDropout > 0)
                attention = functional.dropout(attention, WeightDropout);
            return new Attended(cut.Tokens(attention.matmul(v)), null);
        }
        var result = BlockSoftmax.Run(q, k, v, Adjust, WeightDropout, sums);
        return new Attended(cut.Tokens(result.Out), result.Sums is null ? null : cut.Tokens(result.Sums));
    }

    private WindowGrid Cut(TokenGrid grid)
    {
        var places = new Places(grid, _layout);
        var (shiftY, shiftX) = (Shift(places.Height, _windowY), Shift(places.Width, _windowX));
        return new WindowGrid(places, _windowY, _windowX, shiftY, shiftX, _padding == WindowPadding.AttendedAfterShift);
    }

    private int Shift(int length, int window) => _shifted && length > window ? window / 2 : 0;

    /// <summary>The bias of each pair of a window's tokens, [heads, T, T].</summary>
    private Tensor Bias(Device device)
    {
        var tokens = _windowY * _windowX;
        return relative_position_bias_table.index_select(0, _tables.Index(device)).view(tokens, tokens, Shape.Heads).permute(2, 0, 1);
    }

    /// <summary>Key and value of a token of zeros: the layer's biases, [images * heads, 1, 1, d] each; null where it has none.</summary>
    /// <param name="valueWidth">Of the values; what they have before the layer's own is 0.</param>
    private (Tensor? Key, Tensor? Value) Fillings(long rows, long valueWidth)
    {
        var biases = LayerChange.BiasOf((qkv ?? kv)!);
        if (biases is null)
            return (null, null);
        Tensor Of(long part) =>
            biases
                .narrow(0, part * Shape.Channels, Shape.Channels)
                .view(1, Shape.Heads, -1)
                .expand(rows / Shape.Heads, -1, -1)
                .reshape(rows, 1, 1, -1);
        var (key, value) = qkv is null ? (Of(0), Of(1)) : (Of(1), Of(2));
        return (key, valueWidth == value.shape[3] ? value : functional.pad(value, [valueWidth - value.shape[3], 0]));
    }
}
