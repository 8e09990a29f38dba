using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Necks;

/// <summary>How <see cref="MultiLevelNeck"/> brings a map to another size.</summary>
public enum LevelResize
{
    /// <summary>By interpolation.</summary>
    Bilinear,

    /// <summary>Larger by transposed convolutions of stride 2, with GELU between, smaller by max pooling.</summary>
    Deconv,
}

/// <param name="OutChannels">Channels of every map.</param>
/// <param name="Scales">Size of every map that comes out relative to the one that it is made from: powers of 2.</param>
/// <param name="Resize">By "bilinear" interpolation, or learned: "deconv".</param>
public sealed record MultiLevelNeckOptions(
    [property: Range(1, 65536)] int OutChannels = 256,
    [property: Length(1, 16)] double[]? Scales = null,
    LevelResize Resize = LevelResize.Bilinear
);

/// <summary>Makes a pyramid of a transformer's maps, which are all of one size, for heads that expect one.</summary>
/// <remarks>
/// As MMSegmentation has it, whose parameter names these are; the learned form is that of its BEiT and MAE backbones
/// (Bao et al., "BEiT", 2021, arXiv:2106.08254). Of several maps each is brought to one size; a single one to all sizes.
/// </remarks>
[Component("MultiLevelNeck")]
public sealed class MultiLevelNeck : Neck
{
    private readonly ModuleList<LevelConv> lateral_convs = new();
    private readonly ModuleList<Module<Tensor, Tensor>> resizes = new();
    private readonly ModuleList<LevelConv> convs = new();

    private readonly int _inputs;

    /// <param name="source">The backbone.</param>
    public MultiLevelNeck(MultiLevelNeckOptions options, IFeatureSource source)
        : base(nameof(MultiLevelNeck))
    {
        var scales = options.Scales ?? [4, 2, 1, 0.5];
        _inputs = source.OutChannels.Count;
        if (source.OutStrides.Any(stride => stride <= 0))
            throw new UserErrorException(
                "MultiLevelNeck needs feature maps; the backbone gives a vector. Its option \"features\" may choose maps."
            );
        if (_inputs != 1 && _inputs != scales.Length)
            throw new UserErrorException(
                $"MultiLevelNeck: scales has {scales.Length} values, but the backbone gives {_inputs} maps; give one for each, or let "
                    + $"the backbone give one map (out_indices)."
            );

        OutStrides = [.. scales.Select((scale, i) => Stride(source.OutStrides[_inputs == 1 ? 0 : i], scale))];
        OutChannels = [.. scales.Select(_ => options.OutChannels)];
        foreach (var width in source.OutChannels)
            lateral_convs.Add(new LevelConv(width, options.OutChannels, 1));
        foreach (var scale in scales)
        {
            resizes.Add(options.Resize == LevelResize.Bilinear ? new Scaling(scale) : Learned(options.OutChannels, scale));
            convs.Add(new LevelConv(options.OutChannels, options.OutChannels, 3));
        }
        RegisterComponents();
        foreach (var convolution in modules().OfType<Conv2d>())
        {
            init.xavier_uniform_(convolution.weight!);
            init.zeros_(convolution.bias!);
        }
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <param name="maps">The backbone's, [B, C_i, H_i, W_i].</param>
    /// <returns>One for each of Scales, [B, OutChannels, H_i · scale, W_i · scale], rounded up.</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var laterals = new Tensor[_inputs];
        for (var i = 0; i < _inputs; i++)
            laterals[i] = lateral_convs[i].call(maps[i]);
        var levels = new Tensor[convs.Count];
        for (var i = 0; i < levels.Length; i++)
            levels[i] = convs[i].call(resizes[i].call(laterals[_inputs == 1 ? 0 : i]));
        scope.MoveToOuter(levels);
        return levels;
    }

    private static int Stride(int stride, double scale)
    {
        if (scale is < 1.0 / 16 or > 16 || Math.Log2(scale) % 1 != 0)
            throw new UserErrorException($"MultiLevelNeck: scales must be powers of 2 from 0.0625 to 16, not {scale}.");
        return stride / scale is >= 1 and var result
            ? (int)result
            : throw new UserErrorException($"MultiLevelNeck: scale {scale} makes a map of stride {stride} larger than the image.");
    }

    private static Module<Tensor, Tensor> Learned(int channels, double scale)
    {
        if (scale == 1)
            return Identity();
        if (scale < 1)
            return MaxPool2d((long)(1 / scale), stride: (long)(1 / scale), ceil_mode: true);
        var steps = new List<Module<Tensor, Tensor>>();
        for (var reached = 1; reached < scale; reached *= 2)
        {
            if (reached > 1)
                steps.Add(GELU());
            steps.Add(ConvTranspose2d(channels, channels, 2, stride: 2));
        }
        return Sequential(steps);
    }
}
