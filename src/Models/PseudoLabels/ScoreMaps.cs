using Tessera.Framework.Models;
using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <summary>How the map of an image and that of its mirror image become one.</summary>
public enum MirrorMerge
{
    /// <summary>The greater of the two, as ToCo's.</summary>
    Max,

    /// <summary>Their sum, as MCTformer's.</summary>
    Sum,
}

/// <summary>What makes maps follow what belongs together.</summary>
public enum AffinityKind
{
    None,

    /// <summary>Each patch takes from all others, once, by attention or features (<see cref="PatchAffinity.Spread"/>).</summary>
    Patch,

    /// <summary>Each pixel takes from its neighbours by their colours (<see cref="PixelRefinement"/>).</summary>
    Pixel,

    /// <summary>A random walk over the patches (<see cref="PatchAffinity.Walk"/>).</summary>
    RandomWalk,
}

/// <param name="Scales">Sizes at which the image is looked at, relative to the model's usual size. The maps of all are summed.</param>
/// <param name="Flip">Look at the mirror image, too.</param>
/// <param name="Mirror">How the two maps of a scale become one.</param>
/// <param name="Affinity">What makes maps follow what belongs together.</param>
/// <param name="AffinitySource">For patch and random_walk: what tells which patches belong together.</param>
/// <param name="Power">Of the similarity of features, for patch.</param>
/// <param name="Beta">Power of the affinity for the random walk.</param>
/// <param name="Steps">Steps of the random walk.</param>
public sealed record ScoreMapOptions(
    IReadOnlyList<double>? Scales = null,
    bool Flip = false,
    MirrorMerge Mirror = MirrorMerge.Max,
    AffinityKind Affinity = AffinityKind.None,
    AffinitySource AffinitySource = AffinitySource.Auto,
    double Power = 8,
    double Beta = 8,
    int Steps = 64
);

/// <summary>The maps of an image's classes as scores from 0 to 1: over several scales and mirrored, refined, scaled class by
/// class.</summary>
/// <remarks>
/// Per scale: the source's maps of the image and of its mirror image, refined by patches where asked for, merged; enlarged to the usual
/// size and summed over the scales; then (v − min) / (max − min) of each class, a map that is the same everywhere being 0; then refined by
/// pixels where asked for, and enlarged to the image's own size. Follows ToCo (Ru et al., 2023, arXiv:2303.01267) and MCTformer (Xu et
/// al., 2022, arXiv:2203.02891); without ToCo's 1e-5 beside the maximum, which is no small number beside maps that are made of gradients.
/// </remarks>
/// <param name="model">A classifier in evaluation mode.</param>
public sealed class ScoreMaps(VisionModel model, ClassMapSource source, ScoreMapOptions? options = null)
{
    private const double Rounding = 1e-6; // differences that sums in float32 have by themselves

    private static readonly double[] s_usual = [1];

    private readonly ScoreMapOptions _options = options ?? new ScoreMapOptions();
    private readonly PixelRefinement _refinement = new();

    /// <param name="input">The image as the model takes it, [1, C, h, w] on its device, at a scale; of the present dispose scope.</param>
    /// <param name="pixels">The image's colours at the usual size, [C, h, w].</param>
    /// <param name="classes">The classes that the image shows.</param>
    /// <param name="height">Of the result.</param>
    /// <param name="width">Of the result.</param>
    /// <returns>[classes, height, width], float32, in [0, 1]; owned by the caller's dispose scope.</returns>
    public Tensor Of(Func<double, Tensor> input, Tensor pixels, IReadOnlyList<int> classes, int height, int width)
    {
        using var scope = NewDisposeScope();
        long[] size = [pixels.shape[1], pixels.shape[2]];
        if (classes.Count == 0)
            return scope.MoveToOuter(zeros([0, height, width], device: pixels.device));
        Tensor? sum = null;
        foreach (var scale in _options.Scales ?? s_usual)
        {
            using var round = NewDisposeScope();
            var enlarged = Upsampling.To(AtScale(input(scale), classes), size, alignCorners: false).squeeze(0);
            var next = round.MoveToOuter(sum is null ? enlarged : sum + enlarged);
            sum?.Dispose();
            sum = next;
        }
        var scores = Unit(sum!);
        if (_options.Affinity == AffinityKind.Pixel)
            scores = _refinement.Refine(pixels.to(ScalarType.Float32), scores);
        return scope.MoveToOuter(
            Upsampling.To(scores.unsqueeze(0), [height, width], alignCorners: false).squeeze(0).clamp_min(0).clamp_max(1)
        );
    }

    /// <summary>(v − min) / (max − min) of each map; 0 where it is the same everywhere but for rounding, so that no noise is
    /// stretched.</summary>
    /// <param name="maps">[K, H, W].</param>
    public static Tensor Unit(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var least = maps.amin([1, 2], keepdim: true);
        var greatest = maps.amax([1, 2], keepdim: true);
        var range = greatest - least;
        var useful = range.gt(least.abs().maximum(greatest.abs()) * Rounding);
        return scope.MoveToOuter(where(useful, (maps - least) / range.clamp_min(1e-37), zeros_like(maps)));
    }

    // [1, K, h, w]
    private Tensor AtScale(Tensor image, IReadOnlyList<int> classes)
    {
        var images = _options.Flip ? cat([image, image.flip(3)]) : image;
        var maps = Refined(images, source.Maps(model, images, classes));
        if (!_options.Flip)
            return maps.clamp_min(0);
        var (straight, mirrored) = (maps.narrow(0, 0, 1), maps.narrow(0, 1, 1).flip(3));
        return (_options.Mirror == MirrorMerge.Max ? straight.maximum(mirrored) : straight + mirrored).clamp_min(0);
    }

    private Tensor Refined(Tensor images, Tensor maps) =>
        _options.Affinity switch
        {
            AffinityKind.Patch => PatchAffinity.Of(model, images, _options.AffinitySource, _options.Power).Spread(maps),
            AffinityKind.RandomWalk => PatchAffinity.Of(model, images, _options.AffinitySource).Walk(maps, _options.Beta, _options.Steps),
            _ => maps,
        };
}
