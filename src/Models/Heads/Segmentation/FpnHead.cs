using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="Channels">Channels of every convolution, and before the classifier.</param>
/// <param name="FeatureStrides">Stride of each map that is taken, relative to the image, to be checked; by default whatever they have.
/// The first is the finest; the others are powers of 2 times as coarse.</param>
public sealed record FpnHeadOptions([property: Range(1, 65536)] int Channels = 128, [property: MinLength(1)] int[]? FeatureStrides = null)
    : SegmentationHeadOptions;

/// <summary>Semantic FPN: each map of a pyramid is convolved and doubled until it has the size of the finest; their sum is
/// classified.</summary>
/// <remarks>Kirillov et al., "Panoptic Feature Pyramid Networks", 2019, arXiv:1901.02446, section 3.1; with batch norm instead of the
/// paper's group norm, as MMSegmentation has it.</remarks>
[Component("FpnHead")]
public sealed class FpnHead : PyramidHead
{
    private readonly ModuleList<Sequential> scale_heads = new(); // of each map: convolutions, each doubled, but for the finest map's
    private readonly Conv2d conv_seg;

    public FpnHead(
        FpnHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(FpnHead), options, source, data, loss, losses)
    {
        var strides = Strides(options.FeatureStrides);
        foreach (var (i, stride) in strides.Index())
        {
            var doublings = (int)Math.Log2(stride / strides[0]);
            var layers = new List<Module<Tensor, Tensor>>();
            for (var k = 0; k < Math.Max(1, doublings); k++)
            {
                layers.Add(new ConvNorm(k == 0 ? Widths[i] : options.Channels, options.Channels, 3));
                if (doublings > 0)
                    layers.Add(new Scaling(2, AlignCorners));
            }
            scale_heads.Add(Sequential(layers));
        }
        conv_seg = Classifier(options.Channels);
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    /// <param name="maps">The neck's or backbone's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the first of the maps that are taken.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var levels = Each(maps);
        var sum = scale_heads[0].call(levels[0]);
        for (var i = 1; i < levels.Length; i++)
            sum = sum + Like(scale_heads[i].call(levels[i]), sum);
        return scope.MoveToOuter(conv_seg.call(Drop(sum)));
    }

    private IReadOnlyList<int> Strides(int[]? given)
    {
        var strides = Selection.Strides;
        if (given is not null && !given.SequenceEqual(strides))
            throw new UserErrorException(
                $"FpnHead: feature_strides is {MapSelection.Show(given)}, but the maps that it takes have strides "
                    + $"{MapSelection.Show(strides)}."
            );
        if (strides.Any(stride => stride % strides[0] != 0 || !int.IsPow2(stride / strides[0])))
            throw new UserErrorException(
                "FpnHead takes the finest map first and others that are 1, 2, 4, 8 … times as coarse; the maps of in_index have "
                    + $"strides {MapSelection.Show(strides)}."
            );
        return strides;
    }
}
