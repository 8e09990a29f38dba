using Tessera.Framework.Models;
using Tessera.Models.Attention;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes.</summary>
public enum PvtV2Arch
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
/// <param name="Linear">Attention to a pooled grid of fixed size, and a ReLU in the MLPs: b2-linear is b2 with this.</param>
public sealed record PyramidVisionTransformerV2Options(PvtV2Arch Arch = PvtV2Arch.B0, bool Linear = false) : OverlapPyramidOptions;

/// <summary>The pyramid transformer with overlapping patches, convolutions in its MLPs, and no positional embeddings.</summary>
/// <remarks>Wang et al., "PVT v2: Improved Baselines with Pyramid Vision Transformer", 2021, arXiv:2106.13797. Parameter names are those of
/// whai362/PVT.</remarks>
[Component("PyramidVisionTransformerV2")]
public sealed class PyramidVisionTransformerV2 : OverlapPyramid
{
    public PyramidVisionTransformerV2(PyramidVisionTransformerV2Options options, ComponentBuilder? components = null)
        : base(
            nameof(PyramidVisionTransformerV2),
            options,
            PvtPlan.For(
                nameof(PyramidVisionTransformerV2),
                options,
                (int)options.Arch,
                options.Arch == PvtV2Arch.B5 ? [4, 4, 4, 4] : [8, 8, 4, 4]
            ),
            (stage, shape) =>
                options.Linear
                    ? new LinearAttention(new LinearAttentionOptions(), shape)
                    : new SpatialReductionAttention(new SpatialReductionAttentionOptions(stage.Reduction), shape),
            relu: options.Linear,
            components
        ) { }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => PvtKeys.MapsV2;
}
