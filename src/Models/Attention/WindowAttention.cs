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
/// <remarks>Liu et al., "Swin Transformer", 2021, arXiv:2103.14030, with the cyclic shift.</remarks>
[Component("WindowAttention")]
public sealed class WindowAttention : ShiftedWindowAttention
{
    private readonly Parameter relative_position_bias_table; // [(2 Wh - 1) (2 Ww - 1), heads]

    public WindowAttention(WindowAttentionOptions options, AttentionShape shape)
        : base(nameof(WindowAttention), options, (options.WindowSize, options.WindowSize), shape)
    {
        relative_position_bias_table = Parameter(zeros(Offsets, shape.Heads));
        RegisterComponents();
        Initialize.TruncatedNormal(relative_position_bias_table, deviation: 0.02);
    }

    private protected override Tensor BiasTable(Device device) => relative_position_bias_table;
}
