using Tessera.Framework.Models;
using Tessera.Models.Layers;
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
/// using var map = explainer.Map(images, target, new GradCam(), [layer]); // [1, H, W]
/// </code></example>
public sealed class Explainer(VisionModel model, ExplainerOptions? options = null)
{
    private static readonly double[] s_factors = [0.9, 1, 1.1];

    private readonly ExplainerOptions _options = options ?? new ExplainerOptions();

    /// <summary>Maps of images at their size: sums over channels, what speaks against the score cut off where the method says so, not yet
    /// scaled.</summary>
    /// <param name="images">[B, C, H, W] on the model's device.</param>
    /// <param name="layers">Of several the mean is taken, each scaled to [0, 1] before.</param>
    /// <returns>[B, H, W], float32, of the caller's dispose scope.</returns>
    public Tensor Map(Tensor images, ScoreTarget target, ActivationMethod method, IReadOnlyList<MapLayer> layers)
    {
        using var scope = NewDisposeScope();
        if (!_options.AugSmooth)
            return scope.MoveToOuter(Plain(images, target, method, layers));
        Tensor? sum = null;
        foreach (var mirrored in (bool[])[false, true])
        foreach (var factor in s_factors)
        {
            var seen = (mirrored ? images.flip(3) : images) * factor;
            var map = Unit(Plain(seen, mirrored ? target.Mirrored() : target, method, layers));
            map = mirrored ? map.flip(2) : map;
            sum = sum is null ? map : sum + map;
        }
        return scope.MoveToOuter(sum! / (2 * s_factors.Length));
    }

    /// <summary>Each map scaled to [0, 1]; one that is the same everywhere becomes 0.</summary>
    /// <param name="maps">[B, H, W].</param>
    public static Tensor Unit(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var least = maps.amin([1, 2], keepdim: true);
        var range = maps.amax([1, 2], keepdim: true) - least;
        return scope.MoveToOuter(where(range > 0, (maps - least) / range.clamp_min(1e-30), zeros_like(maps)));
    }

    private Tensor Plain(Tensor images, ScoreTarget target, ActivationMethod method, IReadOnlyList<MapLayer> layers)
    {
        if (layers.Count == 1)
            return Single(images, target, method, layers[0]);
        return stack([.. layers.Select(layer => Unit(Single(images, target, method, layer)))]).mean([0]);
    }

    private Tensor Single(Tensor images, ScoreTarget target, ActivationMethod method, MapLayer layer)
    {
        using var scope = NewDisposeScope();
        using var run = new ExplainedRun(model, images, target, layer);
        var contributions = method.Contributions(run).detach();
        var map = _options.EigenSmooth && contributions.shape[1] > 1 ? PrincipalComponent.Of(contributions) : contributions.sum(1);
        if (method.KeepsPositive)
            map = map.clamp_min(0);
        long[] size = [images.shape[2], images.shape[3]];
        return scope.MoveToOuter(Upsampling.To(map.unsqueeze(1), size, alignCorners: false).squeeze(1));
    }
}
