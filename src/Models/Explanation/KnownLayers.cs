using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>The layers where a model is opened, found once for each size of images: how tokens lie differs with it.</summary>
public sealed class KnownLayers(VisionModel model)
{
    private readonly Dictionary<(string Names, long Height, long Width), IReadOnlyList<MapLayer>> _known = [];

    /// <summary>Whose layers they are.</summary>
    public VisionModel Model => model;

    /// <param name="names">Empty: the layer is found.</param>
    /// <param name="pixels">[B, C, H, W] on the model's device. The first image decides; where its score changes with no place of it, all
    /// do.</param>
    /// <param name="keeps">Targets of this kind all have the same layers.</param>
    /// <exception cref="UserErrorException">There is no such layer, or it can't explain the target. With a
    /// <see cref="ZeroGradientException"/> where these images alone may be the reason.</exception>
    public IReadOnlyList<MapLayer> For(IReadOnlyList<string> names, Tensor pixels, ScoreTarget target, bool keeps = true)
    {
        var key = (string.Join(',', names), pixels.shape[2], pixels.shape[3]);
        if (keeps && _known.TryGetValue(key, out var known))
            return known;
        using var scope = NewDisposeScope();
        IReadOnlyList<MapLayer> layers;
        try
        {
            layers = Find(names, pixels.narrow(0, 0, 1), target);
        }
        catch (UserErrorException error) when (ZeroGradientException.Is(error) && pixels.shape[0] > 1)
        {
            layers = Find(names, pixels, target);
        }
        return keeps ? _known[key] = layers : layers;
    }

    private IReadOnlyList<MapLayer> Find(IReadOnlyList<string> names, Tensor images, ScoreTarget target) =>
        names.Count == 0
            ? [MapLayers.Find(model, images, target)]
            : [.. names.Select(name => MapLayers.Named(model, name, images, target))];
}
