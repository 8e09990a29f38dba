using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <summary>Regions of a pyramid's maps to features of one size.</summary>
[ComponentKind("roi extractor")]
public abstract class RoIExtractor
{
    /// <summary>Bins along each side of what comes out.</summary>
    public abstract int OutputSize { get; }

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>[regions.Count, C, OutputSize, OutputSize], float32.</returns>
    public abstract Tensor Extract(Tensor[] maps, RoIs regions);

    /// <summary>The map that each box is cut out of.</summary>
    /// <exception cref="UserErrorException">The extractor does not say it.</exception>
    public virtual int[] LevelsOf(BoxArray boxes) =>
        throw new UserErrorException(
            $"{GetType().Name} does not say which map it cuts a region out of (RoIExtractor.LevelsOf): objects can't be explained."
        );
}

/// <param name="OutputSize">Bins along each side.</param>
/// <param name="SamplingRatio">Samples of a bin along each side; 0: as many as the bin has pixels, rounded up. torchvision's detectors take
/// 2.</param>
/// <param name="Aligned">Pixels' centres lie at halves; false: at whole numbers, as torchvision's detectors have it.</param>
/// <param name="FeatmapStrides">Strides of the maps that regions are cut out of, from the neck's first on; the first four by
/// default.</param>
/// <param name="FinestScale">A region whose side is below twice this goes to the first map; each doubling goes one further.</param>
public sealed record SingleRoIExtractorOptions(
    [property: Range(1, 256)] int OutputSize = 7,
    [property: Range(0, 64)] int SamplingRatio = 0,
    bool Aligned = true,
    [property: MinLength(1), Range(1, 4096)] int[]? FeatmapStrides = null,
    [property: Range(1, 10_000)] double FinestScale = 56
);

/// <summary>Each region is cut out of one map, which its size chooses.</summary>
/// <remarks>Lin et al., "Feature Pyramid Networks for Object Detection", 2017, arXiv:1612.03144, equation 1.</remarks>
[Component("SingleRoIExtractor")]
public sealed class SingleRoIExtractor : RoIExtractor
{
    private const int UsualMaps = 4;

    private readonly SingleRoIExtractorOptions _options;
    private readonly float[] _scales;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    public SingleRoIExtractor(SingleRoIExtractorOptions options, IFeatureSource source)
    {
        _options = options;
        var strides = options.FeatmapStrides ?? [.. source.OutStrides.Take(UsualMaps)];
        if (strides.Length > source.OutStrides.Count || !strides.SequenceEqual(source.OutStrides.Take(strides.Length)))
            throw new UserErrorException(
                $"SingleRoIExtractor: featmap_strides are [{string.Join(", ", strides)}], but the maps have "
                    + $"[{string.Join(", ", source.OutStrides)}]. They are those of the first maps."
            );
        _scales = Array.ConvertAll(strides, stride => 1f / stride);
    }

    public override int OutputSize => _options.OutputSize;

    public override Tensor Extract(Tensor[] maps, RoIs regions) =>
        RoIAlign.Pool(
            maps[.._scales.Length],
            _scales,
            regions,
            LevelsOf(regions.Boxes),
            new RoIGrid(OutputSize, _options.SamplingRatio, _options.Aligned)
        );

    /// <summary>The map of each box: ⌊log₂(√area / finest_scale)⌋, within those that there are.</summary>
    public override int[] LevelsOf(BoxArray boxes)
    {
        const float hair = 1e-6f; // a side of just twice the finest scale belongs to the second map
        var levels = new int[boxes.Count];
        for (var i = 0; i < levels.Length; i++)
        {
            var side = MathF.Sqrt(boxes.Areas[i]);
            levels[i] = (int)Math.Clamp(MathF.Floor(MathF.Log2((side / (float)_options.FinestScale) + hair)), 0, _scales.Length - 1);
        }
        return levels;
    }
}
