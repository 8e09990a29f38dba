using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <summary>How features become embeddings.</summary>
public enum Projection
{
    /// <summary>One 1x1 convolution.</summary>
    Linear,

    /// <summary>A 1x1 convolution that keeps the width, batch norm, ReLU, and a 1x1 convolution.</summary>
    Convmlp,
}

/// <param name="Dim">Length of an embedding.</param>
/// <param name="Projection">"linear" (one 1x1 convolution) or "convmlp" (two, with batch norm and ReLU between).</param>
/// <param name="InIndex">The maps that are projected, from 0, negative ones from the end; several are brought to the size of the first of
/// them and joined. All by default.</param>
/// <param name="InChannels">Channels of those maps, to be checked; by default whatever they have.</param>
/// <param name="AlignCorners">How maps are enlarged before they are joined.</param>
public sealed record ProjectionHeadOptions(
    [property: Range(1, 65536)] int Dim = 256,
    Projection Projection = Projection.Convmlp,
    OneOrMany<int>? InIndex = null,
    OneOrMany<int>? InChannels = null,
    bool AlignCorners = false
);

/// <summary>
/// Feature maps to embeddings of unit length, for contrastive losses, in two steps: <c>call</c> does what takes all pixels (batch norm),
/// and
/// <see cref="Embed"/> what a pixel needs by itself, only for those that a loss compares. It runs in training only.
/// </summary>
/// <remarks>Wang et al., "Exploring Cross-Image Pixel Contrast for Semantic Segmentation", 2021, arXiv:2101.11939. Parameter names are
/// openseg.pytorch's.</remarks>
[Component("ProjectionHead")]
public sealed class ProjectionHead : Head
{
    private readonly Module<Tensor, Tensor> proj;
    private readonly ProjectionHeadOptions _options;
    private readonly MapSelection _maps;

    /// <param name="source">The backbone, or the neck over it.</param>
    public ProjectionHead(ProjectionHeadOptions options, IFeatureSource source)
        : base(nameof(ProjectionHead))
    {
        _options = options;
        _maps = new MapSelection(
            options.InIndex?.Items ?? [.. Enumerable.Range(0, source.OutChannels.Count)],
            options.InChannels,
            source,
            nameof(ProjectionHead)
        );
        var width = _maps.Channels;
        proj =
            options.Projection == Projection.Linear
                ? Conv2d(width, options.Dim, 1)
                : Sequential(Conv2d(width, width, 1), Sequential(BatchNorm2d(width), ReLU(true)), Conv2d(width, options.Dim, 1));
        RegisterComponents();
        Weights.Convolutional(this);
    }

    /// <summary>Length of an embedding.</summary>
    public int Dim => _options.Dim;

    /// <summary>Whether this head and another one join the same several maps in the same way.</summary>
    public bool SharesInput(SegmentationHead head) => head.Joins(_maps, _options.AlignCorners);

    /// <param name="maps">The backbone's or neck's, or the only one that a head with the same input made of them.</param>
    /// <returns>What <see cref="Embed"/> takes the pixels of, [B, C, h, w].</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var x = _maps.Join(maps, _options.AlignCorners);
        if (proj is Sequential layers)
            for (var i = 0; i < layers.Count - 1; i++)
                x = layers[i].call(x);
        return scope.MoveToOuter(x);
    }

    /// <param name="pixels">[n, C].</param>
    /// <returns>[n, Dim], float32, of length 1 (less only where a vector is all but 0).</returns>
    public Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var last = proj is Sequential layers ? (Module<Tensor, Tensor>)layers[^1] : proj;
        var x =
            pixels.shape[0] == 0
                ? last.call(pixels.unsqueeze(2).unsqueeze(3)).view(0, Dim) // no convolution takes maps without extent
                // over [1, C, n, 1], a map in channels-last order
                : last.call(pixels.unsqueeze(0).unsqueeze(2).permute(0, 3, 1, 2)).squeeze(3).squeeze(0).t();
        x = x.to(ScalarType.Float32);
        return scope.MoveToOuter(x * x.square().sum([1], keepdim: true).clamp_min(1e-12).rsqrt());
    }
}
