using Tessera.Framework.Models;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Necks;

/// <summary>What the maps beyond the backbone's last are made from.</summary>
public enum ExtraConvs
{
    /// <summary>Nothing learnt: every second place of the map before.</summary>
    None,

    /// <summary>The backbone's last map, by convolutions of stride 2.</summary>
    OnInput,

    /// <summary>The last lateral map, by convolutions of stride 2.</summary>
    OnLateral,

    /// <summary>The neck's last map, by convolutions of stride 2.</summary>
    OnOutput,
}

/// <param name="OutChannels">Channels of every map.</param>
/// <param name="NumOuts">Maps that come out; as many as go in by default.</param>
/// <param name="StartLevel">The first of the backbone's maps that is used.</param>
/// <param name="EndLevel">The last, included; -1: the backbone's last.</param>
/// <param name="AddExtraConvs">What further maps are made from: "none" (max pool), "on_input", "on_lateral" or "on_output".</param>
/// <param name="ReluBeforeExtraConvs">A ReLU before every further convolution but the first.</param>
/// <param name="NoNormOnLateral">The 1x1 convolutions have no norm.</param>
/// <param name="Norm">The norm after each convolution: "none", "gn" or "bn".</param>
public sealed record FpnOptions(
    [property: Range(1, 65536)] int OutChannels = 256,
    [property: Range(1, 16)] int? NumOuts = null,
    [property: Range(0, 15)] int StartLevel = 0,
    [property: Range(-1, 15)] int EndLevel = -1,
    ExtraConvs AddExtraConvs = ExtraConvs.None,
    bool ReluBeforeExtraConvs = false,
    bool NoNormOnLateral = false,
    DetectionNorm Norm = DetectionNorm.None
);

/// <summary>A pyramid in which every map knows what the coarser ones know: each is added, enlarged, to the one below it.</summary>
/// <remarks>Lin et al., "Feature Pyramid Networks for Object Detection", 2017, arXiv:1612.03144.</remarks>
[Component("Fpn")]
public sealed class Fpn : Neck
{
    private readonly ModuleList<TowerLayer> lateral_convs = new();
    private readonly ModuleList<TowerLayer> fpn_convs = new(); // those of the backbone's maps, then those of further maps
    private readonly FpnOptions _options;
    private readonly int _end,
        _outs;

    /// <param name="source">The backbone.</param>
    public Fpn(FpnOptions options, IFeatureSource source)
        : base(nameof(Fpn))
    {
        _options = options;
        var count = source.OutChannels.Count;
        _end = options.EndLevel < 0 ? count : options.EndLevel + 1;
        if (_end > count || options.StartLevel >= _end)
            throw new UserErrorException(
                $"Fpn: start_level {options.StartLevel} and end_level {options.EndLevel} leave none of the backbone's {count} maps, or "
                    + $"ask for more."
            );
        if (source.OutStrides.Skip(options.StartLevel).Take(Used).Any(stride => stride <= 0))
            throw new UserErrorException("Fpn needs feature maps; the backbone gives a vector. Its option \"features\" may choose maps.");
        _outs = options.NumOuts ?? Used;
        if (_outs < Used || (options.EndLevel >= 0 && _end < count && _outs != Used))
            throw new UserErrorException(
                $"Fpn: num_outs is {_outs}, but {Used} of the backbone's maps are "
                    + $"used{(_outs < Used ? "" : ", and only after its last can there be further ones")}."
            );
        if (options is { NoNormOnLateral: true, Norm: DetectionNorm.None })
            throw new UserErrorException("Fpn: no_norm_on_lateral has no meaning with norm \"none\".");

        for (var i = 0; i < Used; i++)
        {
            lateral_convs.Add(
                new TowerLayer(
                    source.OutChannels[options.StartLevel + i],
                    options.OutChannels,
                    1,
                    options.NoNormOnLateral ? DetectionNorm.None : options.Norm,
                    relu: false
                )
            );
            fpn_convs.Add(new TowerLayer(options.OutChannels, options.OutChannels, 3, options.Norm, relu: false));
        }
        for (var i = Used; i < _outs && options.AddExtraConvs != ExtraConvs.None; i++)
        {
            var width = i == Used && options.AddExtraConvs == ExtraConvs.OnInput ? source.OutChannels[_end - 1] : options.OutChannels;
            fpn_convs.Add(new TowerLayer(width, options.OutChannels, 3, options.Norm, relu: false, stride: 2));
        }
        RegisterComponents();
        OutChannels = [.. Enumerable.Repeat(options.OutChannels, _outs)];
        OutStrides =
        [
            .. Enumerable
                .Range(0, _outs)
                .Select(i => i < Used ? source.OutStrides[options.StartLevel + i] : source.OutStrides[_end - 1] << (i - Used + 1)),
        ];
        foreach (var convolution in modules().OfType<Conv2d>())
        {
            init.xavier_uniform_(convolution.weight!);
            if (convolution.bias is not null)
                init.zeros_(convolution.bias);
        }
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    private int Used => _end - _options.StartLevel;

    /// <summary>Pairs of prefixes, torchvision's below "fpn." and this module's own.</summary>
    internal IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys
    {
        get
        {
            var norm = _options.Norm == DetectionNorm.Gn ? "gn" : "bn";
            foreach (var (foreign, own) in new[] { ("inner_blocks", nameof(lateral_convs)), ("layer_blocks", nameof(fpn_convs)) })
            {
                for (var i = 0; i < Used; i++)
                {
                    yield return ($"{foreign}.{i}.0.", $"{own}.{i}.conv.", false);
                    if (_options.Norm != DetectionNorm.None)
                        yield return ($"{foreign}.{i}.1.", $"{own}.{i}.{norm}.", false);
                    else
                        yield return ($"{foreign}.{i}.", $"{own}.{i}.conv.", true); // before torchvision 0.13
                }
            }
            for (var i = Used; i < fpn_convs.Count; i++)
                yield return ($"extra_blocks.p{i - Used + 6}.", $"{nameof(fpn_convs)}.{i}.conv.", false);
        }
    }

    /// <param name="maps">The backbone's.</param>
    /// <returns>NumOuts maps, [B, OutChannels, H, W] each.</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var laterals = new Tensor[Used];
        for (var i = 0; i < Used; i++)
            laterals[i] = lateral_convs[i].call(maps[_options.StartLevel + i]);
        for (var i = Used - 1; i > 0; i--)
        {
            var size = laterals[i - 1].shape;
            laterals[i - 1] =
                laterals[i - 1] + functional.interpolate(laterals[i], size: [size[2], size[3]], mode: InterpolationMode.Nearest);
        }
        var outs = new Tensor[_outs];
        for (var i = 0; i < Used; i++)
            outs[i] = fpn_convs[i].call(laterals[i]);
        for (var i = Used; i < _outs; i++)
            outs[i] = Further(i, outs, maps[_end - 1], laterals[^1]);
        scope.MoveToOuter(outs);
        return outs;
    }

    private Tensor Further(int i, Tensor[] outs, Tensor input, Tensor lateral)
    {
        if (_options.AddExtraConvs == ExtraConvs.None)
            return functional.max_pool2d(outs[i - 1], [1, 1], strides: [2, 2]);
        if (i > Used)
            return fpn_convs[i].call(_options.ReluBeforeExtraConvs ? Rectifier.Of(outs[i - 1]) : outs[i - 1]);
        return fpn_convs[i]
            .call(
                _options.AddExtraConvs switch
                {
                    ExtraConvs.OnInput => input,
                    ExtraConvs.OnLateral => lateral,
                    _ => outs[i - 1],
                }
            );
    }
}
