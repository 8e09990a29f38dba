using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

internal static class KeyMapForms
{
    /// <summary>The map of a form whose convolutions before batch norms have no bias: read as 0, and published in the norms'
    /// means.</summary>
    /// <param name="pairs">Names of convolutions, and of the norms right behind them.</param>
    public static KeyMap WithoutBiases(this KeyMap map, params (string Convolution, string Norm)[] pairs) =>
        map with
        {
            Absent = key => pairs.Any(pair => key == pair.Convolution + ".bias"),
            Publish = map.Publish is not { } publish
                ? null
                : key => pairs.Any(pair => key == pair.Convolution + ".bias") ? null : publish(key),
            PublishAs = key =>
                pairs
                    .Where(pair => key == pair.Norm + ".running_mean")
                    .Select(pair => PublishedForms.Less(pair.Convolution + ".bias"))
                    .FirstOrDefault(),
        };
}
