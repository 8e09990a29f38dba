using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>Tokens of a window attend each other, with a bias for each relative position that a kind of it gives.</summary>
/// <remarks>
/// Along an axis that one window covers, nothing is shifted, as in the authors' classifiers and timm; MMSegmentation shifts there, too.
/// </remarks>
public abstract class ShiftedWindowAttention : PatternAttention
{
    private readonly int _windowY;
    private readonly int _windowX;
    private readonly bool _shifted;
    private readonly TokenLayout _layout;
    private readonly WindowPadding _padding;
    private readonly WindowTables _tables;

    /// <param name="window">Height and width of a window; a sequence has windows of its width.</param>
    private protected ShiftedWindowAttention(string name, WindowAttentionOptions options, (int Y, int X) window, AttentionShape shape)
        : base(name, shape)
    {
        (_windowY, _windowX) = (options.Layout == TokenLayout.Grid ? window.Y : 1, window.X);
        _shifted = options.Shift == WindowShift.Always || (options.Shift == WindowShift.Alternate && shape.Block % 2 == 1);
        (_layout, _padding) = (options.Layout, options.Padding);
        _tables = new WindowTables(_windowY, _windowX, masksPadding: _padding == WindowPadding.Masked, Tables);
    }

    /// <summary>Relative positions of two tokens of a window.</summary>
    private protected int Offsets => ((2 * _windowY) - 1) * ((2 * _windowX) - 1);

    private protected override bool AttendsPadding => _padding != WindowPadding.Masked;

    private protected override IGroups Groups(TokenGrid grid) => Cut(grid);

    /// <summary>The bias of each relative position, [(2 Wh - 1) (2 Ww - 1), heads], rows down, then columns to the right.</summary>
    private protected abstract Tensor BiasTable(Device device);

    /// <summary>What becomes of the key [1, heads, d] of a token of zeros before it is compared.</summary>
    private protected virtual Tensor Compared(Tensor key) => key;

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
        return BiasTable(device).index_select(0, _tables.Index(device)).view(tokens, tokens, Shape.Heads).permute(2, 0, 1);
    }

    /// <summary>Key and value of a token of zeros, [images * heads, 1, 1, d] each; null where they are zeros.</summary>
    /// <param name="valueWidth">Of the values; what they have before the layer's own is 0.</param>
    private (Tensor? Key, Tensor? Value) Fillings(long rows, long valueWidth)
    {
        Tensor Rows(Tensor heads) => heads.expand(rows / Shape.Heads, -1, -1).reshape(rows, 1, 1, -1);
        var (key, value) = OfZeros();
        var keys = key is null ? null : Rows(Compared(key.view(1, Shape.Heads, -1)));
        if (value is null)
            return (keys, null);
        var values = Rows(value.view(1, Shape.Heads, -1));
        return (keys, valueWidth == values.shape[3] ? values : functional.pad(values, [valueWidth - values.shape[3], 0]));
    }
}
