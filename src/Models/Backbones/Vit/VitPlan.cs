using Tessera.Models.Attention.Core;

namespace Tessera.Models.Backbones.Vit;

/// <summary>Sizes of a <see cref="VisionTransformer"/>, worked out of its options and checked.</summary>
/// <param name="Width">C, channels of a token.</param>
/// <param name="Depth">Blocks of the whole network.</param>
/// <param name="Built">Blocks that there are here.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="OutIndices">Blocks whose maps are given.</param>
/// <param name="NormsPooled">Whether the norm stands behind the pooling.</param>
/// <param name="Positions">The learned positions.</param>
internal sealed record VitPlan(int Width, int Depth, int Built, int Heads, int[] OutIndices, bool NormsPooled, VitPositions Positions)
{
    private const string Name = nameof(VisionTransformer);

    /// <exception cref="UserErrorException">Options don't go together.</exception>
    public static VitPlan Of(VisionTransformerOptions options)
    {
        var (width, depth, heads) = VisionTransformer.SizesOf(options.Arch);
        (width, depth, heads) = (options.EmbedDim ?? width, options.Depth ?? depth, options.NumHeads ?? heads);
        var outIndices = Backbones.OutIndices.OfBlocks(Name, options.OutIndices, options.Features, depth);
        RequireFeatures(options);
        RequireParts(options, width);
        var maps = options.Features == TokenFeatures.Maps;
        return new VitPlan(
            width,
            depth,
            maps && !options.GiveClassToken ? outIndices.Max() + 1 : depth,
            heads,
            outIndices,
            options.FcNorm ?? options.Features == TokenFeatures.Average,
            new VitPositions(GridOf(options), LeadingOf(options), options.PositionAntialias)
        );
    }

    /// <summary>What turns queries and keys by their positions; null where nothing does.</summary>
    /// <exception cref="UserErrorException">The heads are of a width that can't be turned.</exception>
    public RotaryPositions? Rotary(VisionTransformerOptions options) =>
        options.Rotary is null ? null : new RotaryPositions(options.Rotary, Width / Heads, Name);

    private static (int, int) GridOf(VisionTransformerOptions options)
    {
        var image = options.ImageSize ?? new HeightWidth(224, 224);
        var patch = options.PatchSize;
        if (image.Height < patch || image.Width < patch)
            throw new UserErrorException($"{Name}: patch_size {patch} is larger than image_size {image}.");
        if (image.Height % patch != 0 || image.Width % patch != 0)
        {
            var (low, high) = (
                new HeightWidth(Floor(image.Height), Floor(image.Width)),
                new HeightWidth(Ceiling(image.Height), Ceiling(image.Width))
            );
            throw new UserErrorException(
                $"{Name}: patch_size {patch} doesn't divide image_size {image}; the next sizes are {low} and {high}."
            );
        }
        return (image.Height / patch, image.Width / patch);

        int Floor(int side) => side / patch * patch;
        int Ceiling(int side) => (side + patch - 1) / patch * patch;
    }

    private static int LeadingOf(VisionTransformerOptions options)
    {
        var classes = options.ClassToken ? 1 : 0;
        return options.PositionTokens switch
        {
            PositionTokens.Patches => 0,
            PositionTokens.Class => classes,
            _ => classes + options.RegTokens,
        };
    }

    private static void RequireFeatures(VisionTransformerOptions options)
    {
        var maps = options.Features == TokenFeatures.Maps;
        if (options is { Features: TokenFeatures.ClsToken, ClassToken: false })
            throw new UserErrorException($"{Name}: features \"cls_token\" needs class_token: true; without one, take \"average\".");
        if (options.GiveClassToken && !(maps && options.ClassToken))
            throw new UserErrorException($"{Name}: give_class_token belongs to features \"maps\" and class_token: true.");
        if (maps && options.FcNorm == true)
            throw new UserErrorException($"{Name}: fc_norm belongs to features that are pooled, not to \"maps\".");
    }

    private static void RequireParts(VisionTransformerOptions options, int width)
    {
        if (options.PositionStart == PositionStart.SinCos && width % 4 != 0)
            throw new UserErrorException($"{Name}: position_start \"sin_cos\" needs a width that is a multiple of 4, not {width}.");
        if (!options.AbsolutePositions && (options.PositionStart != PositionStart.Normal || options.PositionTokens != PositionTokens.All))
            throw new UserErrorException($"{Name}: position_start and position_tokens need absolute_positions: true.");
        if (options.MlpType != MlpType.Mlp && options.MlpActivation != Layers.MlpActivation.Gelu)
            throw new UserErrorException($"{Name}: mlp_activation belongs to mlp_type \"mlp\"; SwiGLU has SiLU.");
        if (options is { MlpType: MlpType.Mlp, MlpNorm: true })
            throw new UserErrorException($"{Name}: mlp_norm belongs to mlp_type \"swiglu\" and \"swiglu_packed\".");
    }
}
