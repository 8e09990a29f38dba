using Tessera.Framework.Models;
using Tessera.Models.Attention;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes.</summary>
public enum MitArch
{
    B0,
    B1,
    B2,
    B3,
    B4,
    B5,
}

/// <param name="Arch">Widths and blocks as published: b0 (32 to 256 wide; 2, 2, 2, 2), b1 (64 to 512), b2 (3, 4, 6, 3), b3 (3, 4, 18, 3),
/// b4 (3, 8, 27, 3), b5 (3, 6, 40, 3).</param>
public sealed record MixVisionTransformerOptions(MitArch Arch = MitArch.B0) : OverlapPyramidOptions;

/// <summary>SegFormer's encoder, "MiT": overlapping patches, attention to a reduced grid, a depthwise convolution in the MLPs; no
/// positional embeddings.</summary>
/// <remarks>
/// Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", 2021, arXiv:2105.15203. Parameter
/// names are the authors' (NVlabs/SegFormer). As in their code, attention leaves out what its reduction does not divide. Norms of patches
/// and of reduced grids add 1e-5 to variances, as theirs do; MMSegmentation's add 1e-6.
/// </remarks>
[Component("MixVisionTransformer")]
public sealed class MixVisionTransformer : OverlapPyramid
{
    public MixVisionTransformer(MixVisionTransformerOptions options, ComponentBuilder? components = null)
        : base(
            nameof(MixVisionTransformer),
            options,
            PvtPlan.For(nameof(MixVisionTransformer), options, (int)options.Arch, [4, 4, 4, 4]),
            (stage, shape) =>
                new SpatialReductionAttention(new SpatialReductionAttentionOptions(stage.Reduction, GridRemainder.Drop), shape),
            relu: false,
            components
        ) { }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => PvtKeys.MapsMit;
}
