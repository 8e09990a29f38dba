using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>A stage of a pyramid transformer, worked out.</summary>
/// <param name="Grid">Of its tokens, for the image size that positions are made for; none in the second version.</param>
/// <param name="OutStride">Of its map, relative to the image.</param>
/// <param name="PyramidStep">By how much its map is made coarser than its tokens; null: not.</param>
internal sealed record PvtStage(
    int Channels,
    int Depth,
    int Heads,
    double MlpRatio,
    int Reduction,
    int Patch,
    (int Height, int Width) Grid,
    int OutStride,
    int? PyramidStep
)
{
    /// <summary>Of its norms.</summary>
    public const double Epsilon = 1e-6;
}

/// <summary>The stages of a pyramid transformer, of its first or second version, worked out from its options.</summary>
internal sealed class PvtPlan
{
    private PvtPlan(PvtStage[] stages, int[] outIndices, double[] dropPaths) =>
        (Stages, OutIndices, DropPaths) = (stages, outIndices, dropPaths);

    public PvtStage[] Stages { get; }

    public int[] OutIndices { get; }

    public double[] DropPaths { get; }

    /// <summary>Checks the options of a <see cref="PyramidVisionTransformer"/> against each other and works out its stages.</summary>
    public static PvtPlan For(PyramidVisionTransformerOptions options)
    {
        const string Name = nameof(PyramidVisionTransformer);
        var channels = options.EmbedDims ?? [64, 128, 320, 512];
        var count = channels.Length;
        var depths = StageOptions.Of(Name, "depths", options.Depths, DepthsOf(options.Arch), count);
        var heads = StageOptions.Of(Name, "num_heads", options.NumHeads, [1, 2, 5, 8], count);
        var ratios = StageOptions.Of(Name, "mlp_ratios", options.MlpRatios, [8.0, 8, 4, 4], count);
        var reductions = StageOptions.Of(Name, "sr_ratios", options.SrRatios, [8, 4, 2, 1], count);
        var patches = StageOptions.Of(Name, "patch_sizes", options.PatchSizes, [4, 2, 2, 2], count);
        StageOptions.Positive(
            Name,
            ("embed_dims", channels),
            ("depths", depths),
            ("num_heads", heads),
            ("sr_ratios", reductions),
            ("patch_sizes", patches)
        );
        RequireRatios(Name, ratios);
        Backbones.OutIndices.RequireNoAttentionPool(Name, options.Features);
        if (
            options is { Pyramid: not null, Features: not TokenFeatures.Maps } or { OutIndices: not null, Features: not TokenFeatures.Maps }
        )
            throw new UserErrorException($"{Name}: out_indices and pyramid belong to features \"maps\".");
        var outIndices = StageOptions.Indices(Name, options.OutIndices, count);
        StageOptions.AttentionKeys(Name, options.Attention?.Keys, count);

        var built = options.Features == TokenFeatures.Maps ? outIndices[^1] + 1 : count;
        var image = options.ImageSize ?? new HeightWidth(224, 224);
        var (stages, stride) = (new PvtStage[built], 1);
        var pyramid = options.Pyramid is null ? null : StageOptions.Of(Name, "pyramid", options.Pyramid, [], count);
        for (var i = 0; i < built; i++)
        {
            stride *= patches[i];
            var step = pyramid is null || pyramid[i] == stride ? (int?)null : pyramid[i] / stride;
            if (step is { } coarser && (coarser < 2 || coarser % 2 != 0 || pyramid![i] % stride != 0))
                throw new UserErrorException(
                    $"{Name}: pyramid must be the stage's stride or an even multiple of it; stage {i + 1} has stride {stride}, not "
                        + $"{pyramid![i]}."
                );
            stages[i] = new PvtStage(
                channels[i],
                depths[i],
                heads[i],
                ratios[i],
                reductions[i],
                patches[i],
                ((image.Height + stride - 1) / stride, (image.Width + stride - 1) / stride),
                pyramid?[i] ?? stride,
                step
            );
        }
        return new PvtPlan(stages, outIndices, Layers.DropPath.Linear(options.DropPath, depths.Sum()));
    }

    /// <summary>Checks the options of a <see cref="PyramidVisionTransformerV2"/> against each other and works out its stages.</summary>
    public static PvtPlan For(PyramidVisionTransformerV2Options options)
    {
        const string Name = nameof(PyramidVisionTransformerV2);
        var channels = options.EmbedDims ?? (options.Arch == PvtV2Arch.B0 ? [32, 64, 160, 256] : [64, 128, 320, 512]);
        var count = channels.Length;
        var depths = StageOptions.Of(Name, "depths", options.Depths, DepthsOf(options.Arch), count);
        var heads = StageOptions.Of(Name, "num_heads", options.NumHeads, [1, 2, 5, 8], count);
        double[] usual = options.Arch == PvtV2Arch.B5 ? [4, 4, 4, 4] : [8, 8, 4, 4];
        var ratios = StageOptions.Of(Name, "mlp_ratios", options.MlpRatios, usual, count);
        var reductions = StageOptions.Of(Name, "sr_ratios", options.SrRatios, [8, 4, 2, 1], count);
        StageOptions.Positive(Name, ("embed_dims", channels), ("depths", depths), ("num_heads", heads), ("sr_ratios", reductions));
        RequireRatios(Name, ratios);
        StageOptions.AttentionKeys(Name, options.Attention?.Keys, count);
        var outIndices = StageOptions.Indices(Name, options.OutIndices, count);
        var stages = Enumerable
            .Range(0, outIndices[^1] + 1)
            .Select(i => new PvtStage(channels[i], depths[i], heads[i], ratios[i], reductions[i], i == 0 ? 7 : 3, default, 4 << i, null));
        return new PvtPlan([.. stages], outIndices, Layers.DropPath.Linear(options.DropPath, depths.Sum()));
    }

    private static int[] DepthsOf(PvtArch arch) =>
        arch switch
        {
            PvtArch.Tiny => [2, 2, 2, 2],
            PvtArch.Small => [3, 4, 6, 3],
            PvtArch.Medium => [3, 4, 18, 3],
            _ => [3, 8, 27, 3],
        };

    private static int[] DepthsOf(PvtV2Arch arch) =>
        arch switch
        {
            PvtV2Arch.B0 or PvtV2Arch.B1 => [2, 2, 2, 2],
            PvtV2Arch.B2 => [3, 4, 6, 3],
            PvtV2Arch.B3 => [3, 4, 18, 3],
            PvtV2Arch.B4 => [3, 8, 27, 3],
            _ => [3, 6, 40, 3],
        };

    private static void RequireRatios(string name, double[] ratios)
    {
        if (ratios.Any(ratio => ratio is <= 0 or > 64))
            throw new UserErrorException($"{name}: mlp_ratios must lie in 0 .. 64.");
    }

    /// <summary>Each block; a later stage's embeddings go with its first, a class token with the first of the last stage, a stage's norm
    /// with its last.</summary>
    public static ParameterLayers ByDepth(int[] depths) =>
        new(
            ["patch_embed1", "pos_embed1"],
            [
                .. depths.SelectMany(
                    (depth, i) =>
                        Enumerable
                            .Range(0, depth)
                            .Select(block =>
                            {
                                var names = new List<string> { $"block{i + 1}.{block}" };
                                if (block == 0 && i > 0)
                                    names.AddRange([$"patch_embed{i + 1}", $"pos_embed{i + 1}"]);
                                if (block == 0 && i == depths.Length - 1)
                                    names.Add("cls_token");
                                if (block == depth - 1)
                                    names.Add($"norm{i + 1}");
                                return names.ToArray();
                            })
                ),
            ]
        );
}
