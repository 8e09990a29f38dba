using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Generation.Denoising;

/// <param name="Size">Height and width of the images; divisible by 2 for each level but the last.</param>
/// <param name="Channels">Channels of the first level.</param>
/// <param name="ChannelMult">Channels of each level, in multiples of the first's; each level has half the height and width.</param>
/// <param name="Blocks">Residual blocks of a level on the way down; one more on the way up.</param>
/// <param name="Attention">Heights of levels whose blocks end in self-attention.</param>
/// <param name="Dropout">Inside residual blocks.</param>
/// <param name="Groups">Of the group norms; must divide the channels of all levels.</param>
/// <param name="InChannels">Channels of the images.</param>
public sealed record DiffusionUNetOptions(
    [property: Range(4, 1024)] int Size = 32,
    [property: Range(4, 1024)] int Channels = 64,
    [property: MinLength(1), MaxLength(8)] int[]? ChannelMult = null,
    [property: Range(1, 16)] int Blocks = 2,
    int[]? Attention = null,
    [property: Range(0.0, 0.9)] double Dropout = 0,
    [property: Range(1, 1024)] int Groups = 8,
    [property: Range(1, 64)] int InChannels = 3
);

/// <summary>A U-Net of residual blocks that are told the time and the class, with self-attention at low resolutions.</summary>
/// <remarks>Ho et al., 2020, arXiv:2006.11239, appendix B: group norm, SiLU, the embedding added inside each block, one head of attention.
/// The last convolution, and the last of each block, begin at zero.</remarks>
[Component("DiffusionUNet")]
public sealed class DiffusionUNet : NoiseNetwork
{
    private const int Widest = 8192;

    private readonly Conv2d conv_in;
    private readonly ModuleList<UNetBlock> down = new();
    private readonly ModuleList<Conv2d> halve = new();
    private readonly UNetBlock middle1;
    private readonly UNetBlock middle2;
    private readonly ModuleList<UNetBlock> up = new();
    private readonly ModuleList<Conv2d> doubled = new();
    private readonly GroupNorm norm_out;
    private readonly Conv2d conv_out;

    private readonly DiffusionUNetOptions _options;
    private readonly int _levels;

    /// <exception cref="UserErrorException">The size can't be halved so often, the groups don't divide the channels, or no level has the
    /// height that attention names.</exception>
    public DiffusionUNet(DiffusionUNetOptions options)
        : base(nameof(DiffusionUNet))
    {
        _options = options;
        var mult = options.ChannelMult ?? [1, 2, 2];
        _levels = mult.Length;
        Check(options, mult);
        var attention = options.Attention ?? [16];
        var width = options.Channels;
        conv_in = Conv2d(options.InChannels, width, 3, padding: 1);
        var skips = new Stack<int>([width]);
        for (var level = 0; level < _levels; level++)
        {
            for (var i = 0; i < options.Blocks; i++)
            {
                down.Add(Block(width, mult[level] * options.Channels, attention.Contains(options.Size >> level)));
                skips.Push(width = mult[level] * options.Channels);
            }
            if (level == _levels - 1)
                continue;
            halve.Add(Conv2d(width, width, 3, stride: 2, padding: 1));
            skips.Push(width);
        }
        middle1 = Block(width, width, attends: true);
        middle2 = Block(width, width, attends: false);
        for (var level = _levels - 1; level >= 0; level--)
        {
            for (var i = 0; i <= options.Blocks; i++)
            {
                up.Add(Block(width + skips.Pop(), mult[level] * options.Channels, attention.Contains(options.Size >> level)));
                width = mult[level] * options.Channels;
            }
            if (level > 0)
                doubled.Add(Conv2d(width, width, 3, padding: 1));
        }
        norm_out = Torch.Layers.Norms.GroupNorm(options.Groups, width);
        conv_out = Conv2d(width, options.InChannels, 3, padding: 1);
        RegisterComponents();
        UNetBlock.Zero(conv_out);
    }

    public override int Channels => _options.InChannels;

    public override int Size => _options.Size;

    public override int EmbedWidth => 4 * _options.Channels;

    public override Tensor forward(Tensor images, Tensor embedding)
    {
        using var scope = NewDisposeScope();
        var x = conv_in.call(images);
        var skips = new Stack<Tensor>([x]);
        for (var level = 0; level < _levels; level++)
        {
            for (var i = 0; i < _options.Blocks; i++)
                skips.Push(x = down[level * _options.Blocks + i].call(x, embedding));
            if (level < _levels - 1)
                skips.Push(x = halve[level].call(x));
        }
        x = middle2.call(middle1.call(x, embedding), embedding);
        var block = 0;
        for (var level = _levels - 1; level >= 0; level--)
        {
            for (var i = 0; i <= _options.Blocks; i++)
                x = up[block++].call(cat([x, skips.Pop()], 1), embedding);
            if (level > 0)
                x = doubled[_levels - 1 - level].call(x.repeat_interleave(2, 2).repeat_interleave(2, 3)); // each pixel four times
        }
        return scope.MoveToOuter(conv_out.call(UNetBlock.Silu(UNetBlock.Normed(norm_out, x))));
    }

    private UNetBlock Block(int width, int channels, bool attends) =>
        new(width, channels, EmbedWidth, _options.Groups, _options.Dropout, attends);

    private static void Check(DiffusionUNetOptions options, int[] mult)
    {
        if (mult.Any(factor => factor < 1 || (long)factor * options.Channels > Widest))
            throw new UserErrorException(
                $"DiffusionUNet: channel_mult is [{string.Join(", ", mult)}]; each level must have from {options.Channels} to "
                    + $"{Widest} channels."
            );
        if (options.Size % (1 << (mult.Length - 1)) != 0)
            throw new UserErrorException(
                $"DiffusionUNet: size {options.Size} can't be halved {mult.Length - 1} times; channel_mult has {mult.Length} levels."
            );
        if (options.Channels % options.Groups != 0)
            throw new UserErrorException($"DiffusionUNet: groups {options.Groups} doesn't divide channels {options.Channels}.");
        if (options.Channels % 2 != 0)
            throw new UserErrorException($"DiffusionUNet: channels is {options.Channels}; an even number was expected.");
        var heights = Enumerable.Range(0, mult.Length).Select(level => options.Size >> level).ToArray();
        foreach (var height in options.Attention ?? [])
            if (!heights.Contains(height))
                throw new UserErrorException(
                    $"DiffusionUNet: attention names {height}, but the levels have the heights {string.Join(", ", heights)}."
                );
    }
}
