using Tessera.Framework.Models;
using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>Which tokens may attend which where queries look within their own masks.</summary>
internal static class MaskVisibility
{
    /// <summary>A query sees the patches within its mask, and all tokens that are no patches; other tokens see everything.</summary>
    /// <param name="masks">Logits [B, Q, h, w].</param>
    /// <param name="grid">Of all tokens, of which the first are the queries.</param>
    /// <param name="share">Of the queries that are so restricted; the others see everything.</param>
    /// <param name="byChance">Which they are is drawn for each image; otherwise they are the first.</param>
    /// <returns>[B, 1, N, N], true where a token (third dimension) may attend another.</returns>
    public static Tensor Of(Tensor masks, TokenGrid grid, float share, bool byChance)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var (images, queries, device) = (masks.shape[0], masks.shape[1], masks.device);
        var small = Upsampling.To(masks.to(ScalarType.Float32), [grid.Height, grid.Width], alignCorners: false);
        var within = small.gt(0).flatten(2); // [B, Q, patches]
        if (share < 1)
        {
            var free = byChance
                ? rand([images, queries, 1]).gt(share).to(device)
                : arange(queries, device: device).ge((long)Math.Ceiling(share * queries)).view(1, -1, 1);
            within = within.logical_or(free);
        }
        var seen = cat([ones([images, queries, grid.Leading], ScalarType.Bool, device), within], 2); // [B, Q, N]
        var rest = ones([images, grid.Count - queries, grid.Count], ScalarType.Bool, device);
        return scope.MoveToOuter(cat([seen, rest], 1).unsqueeze(1));
    }
}
