using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>A stage of a pyramid transformer, worked out.</summary>
/// <param name="Grid">Of its tokens, for the image size that positions are made for.</param>
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
);

/// <summary>Checks the options of a <see cref="PyramidVisionTransformer"/> against each other and works out its stages.</summary>
internal sealed class PvtPlan
{
    private PvtPlan(PvtStage[] stages, int[] outIndices, double[] dropPaths) =>
        (Stages, OutIndices, DropPaths) = (stages, outIndices, dropPaths);

    public PvtStage[] Stages { get; }

    public int[] OutIndices { get; }

    public double[] DropPaths { get; }

    public static PvtPlan For(PyramidVisionTransformerOptions options)
    {
        const string Name = nameof(PyramidVisionTransformer);
        var channels = options.EmbedDims ?? [64, 128, 320, 512];
        var count = channels.Length;
        var depths = Of(
            Name,
            "depths",
            options.Depths,
            options.Arch switch
            {
                PvtArch.Tiny => [2, 2, 2, 2],
                PvtArch.Small => [3, 4, 6, 3],
                PvtArch.Medium => [3, 4, 18, 3],
                _ => [3, 8, 27, 3],
            },
            count
        );
        var heads = Of(Name, "num_heads", options.NumHeads, [1, 2, 5, 8], count);
        var ratios = Of(Name, "mlp_ratios", options.MlpRatios, [8.0, 8, 4, 4], count);
        var reductions = Of(Name, "sr_ratios", options.SrRatios, [8, 4, 2, 1], count);
        var patches = Of(Name, "patch_sizes", options.PatchSizes, [4, 2, 2, 2], count);
        Positive(
            Name,
            ("embed_dims", channels),
            ("depths", depths),
            ("num_heads", heads),
            ("sr_ratios", reductions),
            ("patch_sizes", patches)
        );
        if (ratios.Any(ratio => ratio is <= 0 or > 64))
            throw new UserErrorException($"{Name}: mlp_ratios must lie in 0 .. 64.");
        if (
            options is { Pyramid: not null, Features: not TokenFeatures.Maps } or { OutIndices: not null, Features: not TokenFeatures.Maps }
        )
            throw new UserErrorException($"{Name}: out_indices and pyramid belong to features \"maps\".");
        var outIndices = Indices(Name, options.OutIndices, count);
        AttentionKeys(Name, options.Attention?.Keys, count);

        var built = options.Features == TokenFeatures.Maps ? outIndices[^1] + 1 : count;
        var image = options.ImageSize ?? new HeightWidth(224, 224);
        var (stages, stride) = (new PvtStage[built], 1);
        var pyramid = options.Pyramid is null ? null : Of(Name, "pyramid", options.Pyramid, [], count);
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

    public static T[] Of<T>(string name, string option, T[]? given, T[] otherwise, int count)
    {
        if (given is not null && given.Length != count)
            throw new UserErrorException($"{name}: {option} has {given.Length} values, but embed_dims {count}.");
        if (given is null && otherwise.Length != count)
            throw new UserErrorException($"{name}: with {count} stages, say {option} for each.");
        return given ?? otherwise;
    }

    public static void Positive(string name, params (string Option, int[] Values)[] lists)
    {
        foreach (var (option, values) in lists)
            if (values.Any(value => value is < 1 or > 65536))
                throw new UserErrorException($"{name}: {option} must be positive, not [{string.Join(", ", values)}].");
    }

    public static int[] Indices(string name, int[]? given, int count) =>
        Backbones.OutIndices.Checked(name, given ?? [.. Enumerable.Range(0, count)], count);

    public static void AttentionKeys(string name, IEnumerable<string>? keys, int count)
    {
        string[] known = [.. Enumerable.Range(1, count).Select(stage => $"stage{stage}"), Attention.AttentionChoice.All];
        if (keys?.FirstOrDefault(key => !known.Contains(key)) is { } unknown)
            throw new UserErrorException($"{name}: attention has no \"{unknown}\"; it takes {string.Join(", ", known)}.");
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
