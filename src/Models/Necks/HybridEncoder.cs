using Tessera.Framework.Models;
using Tessera.Models.Detection.Transformers;
using Tessera.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Necks;

/// <param name="OutChannels">Channels of every map; a multiple of 4 and of num_heads.</param>
/// <param name="NumHeads">Attention heads.</param>
/// <param name="FfnDim">Width between the two linear layers of the attention's layers.</param>
/// <param name="Dropout">In them.</param>
/// <param name="EncoderLayers">Layers of attention among the cells of a map.</param>
/// <param name="EncodeMaps">The maps that have them, from 0; the last alone by default.</param>
/// <param name="NumBlocks">Blocks of each fusion.</param>
/// <param name="Expansion">Width of a fusion's blocks, relative to out_channels.</param>
public sealed record HybridEncoderOptions(
    [property: Range(4, 65_536)] int OutChannels = 256,
    [property: Range(1, 1024)] int NumHeads = 8,
    [property: Range(1, 65_536)] int FfnDim = 1024,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 100)] int EncoderLayers = 1,
    [property: MinLength(1)] int[]? EncodeMaps = null,
    [property: Range(1, 100)] int NumBlocks = 3,
    [property: Range(0.01, 100)] double Expansion = 1
);

/// <summary>Attention within the smallest map, then fusion of the maps downwards and upwards by convolutions.</summary>
/// <remarks>
/// Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", 2023, arXiv:2304.08069, section 4.2 ("AIFI" and "CCFF"). Names of
/// parameters are those of lyuwenyu/RT-DETR. Positions are rows, then columns; there, those of maps that aren't square are out of order.
/// </remarks>
[Component("HybridEncoder")]
public sealed class HybridEncoder : Neck
{
    private readonly ModuleList<Sequential> input_proj = new();
    private readonly ModuleList<DetrEncoder> encoder = new();
    private readonly ModuleList<SiluConvNorm> lateral_convs = new();
    private readonly ModuleList<CspRepLayer> fpn_blocks = new();
    private readonly ModuleList<SiluConvNorm> downsample_convs = new();
    private readonly ModuleList<CspRepLayer> pan_blocks = new();
    private readonly int[] _encoded;

    /// <param name="source">The backbone.</param>
    public HybridEncoder(HybridEncoderOptions options, IFeatureSource source)
        : base(nameof(HybridEncoder))
    {
        var (maps, channels) = (source.OutChannels.Count, options.OutChannels);
        if (maps < 2 || source.OutStrides.Zip(source.OutStrides.Skip(1)).Any(pair => pair.First <= 0 || pair.Second != 2 * pair.First))
            throw new UserErrorException(
                "HybridEncoder needs two maps or more, each of half the size of the one before; the backbone gives strides "
                    + $"[{string.Join(", ", source.OutStrides)}]. Its option out_indices may choose others."
            );
        _encoded = options.EncodeMaps ?? [maps - 1];
        if (_encoded.Distinct().Count() != _encoded.Length || _encoded.Any(map => map < 0 || map >= maps))
            throw new UserErrorException(
                $"HybridEncoder: encode_maps must name maps from 0 to {maps - 1}, each once, not [{string.Join(", ", _encoded)}]."
            );
        var shape = new TransformerShape(channels, options.NumHeads, options.FfnDim, options.Dropout);
        if (channels % options.NumHeads != 0 || channels % 4 != 0)
            throw new UserErrorException(
                $"HybridEncoder: out_channels {channels} must be a multiple of num_heads ({options.NumHeads}) and of 4."
            );
        foreach (var width in source.OutChannels)
            input_proj.Add(Sequential(Conv2d(width, channels, 1, bias: false), BatchNorm2d(channels)));
        if (options.EncoderLayers > 0)
            foreach (var _ in _encoded)
                encoder.Add(new DetrEncoder(shape, options.EncoderLayers, gelu: true));
        for (var i = 1; i < maps; i++)
        {
            lateral_convs.Add(new SiluConvNorm(channels, channels, 1));
            fpn_blocks.Add(new CspRepLayer(2 * channels, channels, options.NumBlocks, options.Expansion));
            downsample_convs.Add(new SiluConvNorm(channels, channels, 3, stride: 2));
            pan_blocks.Add(new CspRepLayer(2 * channels, channels, options.NumBlocks, options.Expansion));
        }
        OutChannels = [.. source.OutChannels.Select(_ => channels)];
        OutStrides = source.OutStrides;
        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <param name="maps">The backbone's, [B, C_i, H_i, W_i].</param>
    /// <returns>As many, [B, OutChannels, H_i, W_i].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var levels = maps.Select((map, i) => ConvThenNorm.Run(input_proj[i], map)).ToArray();
        for (var i = 0; i < encoder.Count; i++)
            levels[_encoded[i]] = Attended(encoder[i], levels[_encoded[i]]);
        for (var i = levels.Length - 1; i > 0; i--)
        {
            var step = levels.Length - 1 - i;
            levels[i] = lateral_convs[step].call(levels[i]);
            var enlarged = functional.interpolate(
                levels[i],
                size: [levels[i - 1].shape[2], levels[i - 1].shape[3]],
                mode: InterpolationMode.Nearest
            );
            levels[i - 1] = fpn_blocks[step].call(cat([enlarged, levels[i - 1]], 1));
        }
        for (var i = 1; i < levels.Length; i++)
            levels[i] = pan_blocks[i - 1].call(cat([downsample_convs[i - 1].call(levels[i - 1]), levels[i]], 1));
        scope.MoveToOuter(levels);
        return levels;
    }

    private static Tensor Attended(DetrEncoder layers, Tensor map)
    {
        var (height, width, channels) = ((int)map.shape[2], (int)map.shape[3], (int)map.shape[1]);
        var columnsFirst = PositionEmbedding.SinCos((height, width), channels);
        var positions = cat([columnsFirst.narrow(2, channels / 2, channels / 2), columnsFirst.narrow(2, 0, channels / 2)], 2);
        var tokens = layers.call(map.flatten(2).transpose(1, 2), positions.to(map.device), null);
        return tokens.transpose(1, 2).reshape(map.shape);
    }
}

/// <summary>Convolution without bias, batch norm, and SiLU if wanted. Names: conv, norm.</summary>
internal sealed class SiluConvNorm : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d norm;
    private readonly bool _silu;

    /// <param name="kernel">Odd.</param>
    public SiluConvNorm(int width, int channels, int kernel, int stride = 1, bool silu = true)
        : base(nameof(SiluConvNorm))
    {
        conv = Conv2d(width, channels, kernel, stride: stride, padding: kernel / 2, bias: false);
        norm = BatchNorm2d(channels);
        _silu = silu;
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = ConvThenNorm.Run(conv, norm, x);
        return scope.MoveToOuter(_silu ? functional.silu(x) : x);
    }
}

/// <summary>A 3x3 and a 1x1 convolution beside each other, each with its norm; SiLU of their sum.</summary>
/// <remarks>Ding et al., "RepVGG", 2021, arXiv:2101.03697.</remarks>
internal sealed class RepVggBlock : Module<Tensor, Tensor>
{
    private readonly SiluConvNorm conv1;
    private readonly SiluConvNorm conv2;

    public RepVggBlock(int channels)
        : base(nameof(RepVggBlock))
    {
        conv1 = new SiluConvNorm(channels, channels, 3, silu: false);
        conv2 = new SiluConvNorm(channels, channels, 1, silu: false);
        RegisterComponents();
    }

    /// <param name="x">[B, channels, H, W].</param>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(functional.silu(conv1.call(x) + conv2.call(x)));
    }
}

/// <summary>Blocks over one half, added to the other, then widened where the blocks are narrower.</summary>
internal sealed class CspRepLayer : Module<Tensor, Tensor>
{
    private readonly SiluConvNorm conv1;
    private readonly SiluConvNorm conv2;
    private readonly Sequential bottlenecks;
    private readonly SiluConvNorm? conv3;

    public CspRepLayer(int width, int channels, int blocks, double expansion)
        : base(nameof(CspRepLayer))
    {
        var hidden = (int)(channels * expansion);
        if (hidden == 0)
            throw new UserErrorException($"HybridEncoder: expansion {expansion} leaves no channels of {channels}.");
        conv1 = new SiluConvNorm(width, hidden, 1);
        conv2 = new SiluConvNorm(width, hidden, 1);
        bottlenecks = Sequential(Enumerable.Range(0, blocks).Select(Module<Tensor, Tensor> (_) => new RepVggBlock(hidden)).ToArray());
        conv3 = hidden == channels ? null : new SiluConvNorm(hidden, channels, 1);
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var sum = bottlenecks.call(conv1.call(x)) + conv2.call(x);
        return scope.MoveToOuter(conv3 is null ? sum : conv3.call(sum));
    }
}
