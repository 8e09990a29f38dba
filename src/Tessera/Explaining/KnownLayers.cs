using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using static TorchSharp.torch;

namespace Tessera.Explaining;

/// <summary>The layers where a model is opened, found once for each size of images: how tokens lie differs with it.</summary>
internal sealed class KnownLayers(VisionModel model)
{
    private readonly Dictionary<(string Names, long Height, long Width), IReadOnlyList<MapLayer>> _known = [];

    /// <param name="names">Empty: the layer is found.</param>
    /// <param name="pixels">[B, C, H, W] on the model's device.</param>
    /// <param name="keeps">Targets of this kind all have the same layers.</param>
    /// <exception cref="UserErrorException">There is no such layer, or it can't explain the target.</exception>
    public IReadOnlyList<MapLayer> For(IReadOnlyList<string> names, Tensor pixels, ScoreTarget target, bool keeps)
    {
        var key = (string.Join(',', names), pixels.shape[2], pixels.shape[3]);
        if (keeps && _known.TryGetValue(key, out var known))
            return known;
        using var scope = NewDisposeScope();
        var one = pixels.narrow(0, 0, 1);
        IReadOnlyList<MapLayer> layers =
            names.Count == 0 ? [MapLayers.Find(model, one, target)] : [.. names.Select(name => MapLayers.Named(model, name, one, target))];
        return keeps ? _known[key] = layers : layers;
    }
}
