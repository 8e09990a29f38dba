using Tessera.Framework.Models;
using Tessera.Models.Attention;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>A stage of a pyramid transformer, worked out.</summary>
/// <param name="Stride">Of its patches, on the map before.</param>
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
    int Stride,
    (int Height, int Width) Grid,
    int OutStride,
    int? PyramidStep
)
{
    /// <summary>Of its norms.</summary>
    public const double Epsilon = 1e-6;

    /// <summary>Its blocks.</summary>
    /// <param name="dropPaths">Rates of stochastic depth, one for each.</param>
    /// <param name="shape">What the attention layers are told; channels, heads and blocks are filled in.</param>
    /// <param name="attention">Makes an attention layer.</param>
    /// <param name="mlp">Makes an MLP of a width and a width inside.</param>
    public ModuleList<PreNormBlock> Blocks(
        ReadOnlySpan<double> dropPaths,
        AttentionShape shape,
        Func<AttentionShape, TokenAttention> attention,
        Func<int, int, Module> mlp
    )
    {
        var blocks = new ModuleList<PreNormBlock>();
        for (var i = 0; i < Depth; i++)
        {
            var own = attention(shape with { Channels = Channels, Heads = Heads, Block = i });
            blocks.Add(new PreNormBlock(own, mlp(Channels, (int)(Channels * MlpRatio)), Channels, dropPaths[i], Epsilon));
        }
        return blocks;
    }
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
                patches[i],
                ((image.Height + stride - 1) / stride, (image.Width + stride - 1) / stride),
                pyramid?[i] ?? stride,
                step
            );
        }
        return new PvtPlan(stages, outIndices, Layers.DropPath.Linear(options.DropPath, depths.Sum()));
    }

    /// <summary>Checks the options of an <see cref="OverlapPyramid"/> against each other and works out its stages.</summary>
    /// <param name="name">The backbone's, for messages.</param>
    /// <param name="size">Of the published ones, b0 to b5: its widths and depths are used where the options have none.</param>
    /// <param name="usualRatios">Used where the options have none.</param>
    public static PvtPlan For(string name, OverlapPyramidOptions options, int size, double[] usualRatios)
    {
        var channels = options.EmbedDims ?? (size == 0 ? [32, 64, 160, 256] : [64, 128, 320, 512]);
        var count = channels.Length;
        var depths = StageOptions.Of(name, "depths", options.Depths, DepthsOf(size), count);
        var heads = StageOptions.Of(name, "num_heads", options.NumHeads, [1, 2, 5, 8], count);
        var ratios = StageOptions.Of(name, "mlp_ratios", options.MlpRatios, usualRatios, count);
        var reductions = StageOptions.Of(name, "sr_ratios", options.SrRatios, [8, 4, 2, 1], count);
        int[] ByStage(int first, int later) => [.. Enumerable.Range(0, count).Select(i => i == 0 ? first : later)];
        var patches = StageOptions.Of(name, "patch_sizes", options.PatchSizes, ByStage(7, 3), count);
        var strides = StageOptions.Of(name, "strides", options.Strides, ByStage(4, 2), count);
        StageOptions.Positive(
            name,
            ("embed_dims", channels),
            ("depths", depths),
            ("num_heads", heads),
            ("sr_ratios", reductions),
            ("patch_sizes", patches),
            ("strides", strides)
        );
        RequireRatios(name, ratios);
        if (patches.Zip(strides).Any(stage => stage.First > stage.Second && stage.First % 2 == 0))
            throw new UserErrorException(
                $"{name}: patch_sizes must be odd where patches overlap, not [{string.Join(", ", patches)}] at strides "
                    + $"[{string.Join(", ", strides)}]."
            );
        StageOptions.AttentionKeys(name, options.Attention?.Keys, count);
        var outIndices = StageOptions.Indices(name, options.OutIndices, count);
        var (stages, stride) = (new PvtStage[outIndices[^1] + 1], 1);
        for (var i = 0; i < stages.Length; i++)
        {
            stride *= strides[i];
            stages[i] = new(channels[i], depths[i], heads[i], ratios[i], reductions[i], patches[i], strides[i], default, stride, null);
        }
        return new PvtPlan(stages, outIndices, Layers.DropPath.Linear(options.DropPath, depths.Sum()));
    }

    private static int[] DepthsOf(PvtArch arch) =>
        arch switch
        {
            PvtArch.Tiny => [2, 2, 2, 2],
            PvtArch.Small => [3, 4, 6, 3],
            PvtArch.Medium => [3, 4, 18, 3],
            _ => [3, 8, 27, 3],
        };

    /// <param name="size">b0 to b5, of PVT v2 and of MiT.</param>
    private static int[] DepthsOf(int size) =>
        size switch
        {
            0 or 1 => [2, 2, 2, 2],
            2 => [3, 4, 6, 3],
            3 => [3, 4, 18, 3],
            4 => [3, 8, 27, 3],
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
