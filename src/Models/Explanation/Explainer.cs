using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>How maps are made beside the method.</summary>
/// <param name="AugSmooth">The mean of six maps: the image as it is and mirrored, its values times 0.9, 1 and 1.1.</param>
/// <param name="EigenSmooth">The first principal component of the channels' contributions in place of their sum, its sign that of the
/// sum.</param>
public sealed record ExplainerOptions(bool AugSmooth = false, bool EigenSmooth = false);

/// <summary>Activation maps of a model's scores.</summary>
/// <example><code>
/// var explainer = new Explainer(model);
/// var target = new ClassTarget([281], names);
/// var layer = MapLayers.Find(model, images, target);
/// var found = explainer.Explain(images, target, new GradCam(), [layer]);
/// var shown = Explainer.Unit(found.Maps); // [1, H, W]; all 0 unless found.Ranges[0].Verdict is Useful
/// </code></example>
public sealed class Explainer(VisionModel model, ExplainerOptions? options = null)
{
    private static readonly double[] s_factors = [0.9, 1, 1.1];

    private readonly ExplainerOptions _options = options ?? new ExplainerOptions();

    /// <summary>Maps of images at their size: sums over channels, what speaks against the score cut off where the method says so, not yet
    /// scaled; and whether each says anything.</summary>
    /// <param name="images">[B, C, H, W] on the model's device.</param>
    /// <param name="target">Which score of each image; the same in all passes of <see cref="ExplainerOptions.AugSmooth"/>.</param>
    /// <param name="layers">Of several the mean is taken, each scaled to [0, 1] before.</param>
    /// <exception cref="UserErrorException">The scores don't depend on a layer, or the method can't explain the model.</exception>
    public ActivationMaps Explain(Tensor images, ScoreTarget target, ActivationMethod method, IReadOnlyList<MapLayer> layers)
    {
        using var scope = NewDisposeScope();
        var (maps, ranges) = _options.AugSmooth ? Smoothed(images, target, method, layers) : Plain(images, target, method, layers);
        return new ActivationMaps(scope.MoveToOuter(maps), ranges);
    }

    /// <summary>The maps of <see cref="Explain"/> alone.</summary>
    /// <returns>[B, H, W], float32, of the caller's dispose scope.</returns>
    public Tensor Map(Tensor images, ScoreTarget target, ActivationMethod method, IReadOnlyList<MapLayer> layers) =>
        Explain(images, target, method, layers).Maps;

    /// <summary>Each map scaled to [0, 1]; one that is the same everywhere, or not finite, becomes 0.</summary>
    /// <param name="maps">[B, H, W].</param>
    public static Tensor Unit(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var least = maps.amin([1, 2], keepdim: true);
        var range = maps.amax([1, 2], keepdim: true) - least;
        var useful = MapRange.Of(maps, positive: false).Select(map => map.Verdict == MapVerdict.Useful).ToArray();
        var shown = tensor(useful, device: maps.device).view(-1, 1, 1);
        return scope.MoveToOuter(where(shown, (maps - least) / range, zeros_like(maps)));
    }

    private ActivationMaps Smoothed(Tensor images, ScoreTarget target, ActivationMethod method, IReadOnlyList<MapLayer> layers)
    {
        var passes = new List<ActivationMaps>();
        foreach (var mirrored in (bool[])[false, true])
        foreach (var factor in s_factors)
        {
            using var scope = NewDisposeScope();
            var asked = mirrored ? target.Mirrored() : target;
            var pass = Plain((mirrored ? images.flip(3) : images) * factor, asked, method, layers);
            var map = Unit(pass.Maps);
            passes.Add(new ActivationMaps(scope.MoveToOuter(mirrored ? map.flip(2) : map), pass.Ranges));
        }
        return new ActivationMaps(Mean(passes), Together(passes));
    }

    private ActivationMaps Plain(Tensor images, ScoreTarget target, ActivationMethod method, IReadOnlyList<MapLayer> layers)
    {
        var each = layers.Select(layer => Single(images, target, method, layer)).ToArray();
        return each.Length == 1
            ? each[0]
            : new ActivationMaps(Mean([.. each.Select(one => one with { Maps = Unit(one.Maps) })]), Together(each));
    }

    private ActivationMaps Single(Tensor images, ScoreTarget target, ActivationMethod method, MapLayer layer)
    {
        using var scope = NewDisposeScope();
        using var precision = Autocast.Leave(images.device_type);
        using var run = new ExplainedRun(model, images, target, layer);
        var contributions = method.Contributions(run).detach();
        var map = _options.EigenSmooth && contributions.shape[1] > 1 ? PrincipalComponent.Of(contributions) : contributions.sum(1);
        var ranges = MapRange.Of(map, method.KeepsPositive);
        if (method.KeepsPositive)
            map = map.clamp_min(0);
        long[] size = [images.shape[2], images.shape[3]];
        var enlarged = Upsampling.To(map.to(ScalarType.Float32).unsqueeze(1), size, alignCorners: false).squeeze(1);
        return new ActivationMaps(scope.MoveToOuter(enlarged), ranges);
    }

    private static Tensor Mean(IReadOnlyList<ActivationMaps> maps) => stack([.. maps.Select(one => one.Maps)]).mean([0]);

    private static MapRange[] Together(IReadOnlyList<ActivationMaps> maps) =>
        [.. maps[0].Ranges.Select((_, image) => MapRange.Together([.. maps.Select(one => one.Ranges[image])]))];
}
