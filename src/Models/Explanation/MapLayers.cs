using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>Finds the layer whose map explains a model's scores, and how tokens lie over the image.</summary>
/// <remarks>
/// The last map or token grid, in the order in which modules run, that has more than one place and whose gradient isn't zero at all
/// places; among tokens that of the last norm or block. For a network that ends in a norm or a convolution, an average and a linear
/// layer, the map then adds up to the logit; for a class token it is the norm before the last attention, behind which patches no longer
/// reach the class.
/// </remarks>
public static class MapLayers
{
    /// <summary>The layer for scores of a model.</summary>
    /// <param name="image">[1, C, H, W] on the model's device; one of those to be explained. Of several one must have a gradient.</param>
    /// <exception cref="UserErrorException">No layer can explain the scores. With a <see cref="ZeroGradientException"/> where maps are
    /// there, but none has a gradient for this image.</exception>
    public static MapLayer Find(VisionModel model, Tensor image, ScoreTarget target)
    {
        if (target.Layer is { } only)
            return only;
        using var scope = NewDisposeScope();
        using var seen = new SeenOutputs(model, image, target);
        var maps = seen.Maps().ToArray();
        var candidates = maps.Where(map => map.Reaches).Select(map => map.Layer).ToArray();
        if (candidates.Length == 0)
            throw maps.Length == 0 ? ExplanationErrors.NoMap(model) : ExplanationErrors.NoGradient(model, target);
        var last = candidates[^1];
        // A module that gives several maps names less than the layer inside of it that made the last one.
        if (last.Form == MapForm.ChannelsFirst && seen.GivesSeveral(last.Name))
            last = candidates.LastOrDefault(c => c.Name.StartsWith(last.Name + ".", StringComparison.Ordinal) && SameSize(c, last)) ?? last;
        if (last.Form != MapForm.Tokens)
            return last with { Why = "the last map with a gradient" };
        // A projection that a plugin's attention makes of the tokens comes after the norm that it is made of.
        var whole = candidates.LastOrDefault(c => c.Form == MapForm.Tokens && IsNormOrBlock(seen.Module(c.Name))) ?? last;
        var isNorm = seen.Module(whole.Name).IsNormalization();
        return whole with { Why = $"the last {(isNorm ? "norm" : "tokens")} with a gradient at patches" };
    }

    /// <summary>A layer that was named, with its form and grid.</summary>
    /// <param name="image">As of <see cref="Find"/>.</param>
    /// <exception cref="UserErrorException">There is no such layer, or it gives no map.</exception>
    public static MapLayer Named(VisionModel model, string name, Tensor image, ScoreTarget target)
    {
        if (model.named_modules().All(entry => entry.name != name))
            throw ExplanationErrors.NoLayer(model, name);
        using var scope = NewDisposeScope();
        using var seen = new SeenOutputs(model, image, target, only: name);
        var maps = seen.Maps().ToArray();
        var reached = maps.LastOrDefault(map => map.Reaches); // of several runs
        var map = reached.Layer is null ? maps.LastOrDefault() : reached;
        if (map.Layer is null)
            throw seen.Shapes.Count == 0 ? ExplanationErrors.GivesNoMap(name) : ExplanationErrors.NotAMap(name, seen.Shapes[^1]);
        return map.Reaches ? map.Layer with { Why = "as asked for" } : throw ExplanationErrors.ZeroGradient(name);
    }

    /// <summary>The grid of a number of tokens that lie over an image at one stride, its edges filled up or left out.</summary>
    /// <param name="tokens">N of [B, N, C].</param>
    /// <param name="height">Of the image, in pixels.</param>
    /// <param name="width">Of the image, in pixels.</param>
    /// <param name="leading">Tokens before the grid.</param>
    /// <returns>Null where no grid of these proportions has so many tokens.</returns>
    public static TokenGrid? GridOf(long tokens, int height, int width, int leading)
    {
        var places = tokens - leading;
        foreach (var filledUp in (bool[])[true, false])
            for (var stride = 1; stride <= Math.Max(height, width); stride++)
            {
                var more = filledUp ? stride - 1 : 0;
                var (rows, columns) = ((height + more) / stride, (width + more) / stride);
                if ((long)rows * columns == places)
                    return new TokenGrid(rows, columns, leading);
            }
        return null;
    }

    private static bool IsNormOrBlock(nn.Module module) => module.IsNormalization() || module.children().Any();

    private static bool SameSize(MapLayer one, MapLayer other) =>
        one.Grid.Height == other.Grid.Height && one.Grid.Width == other.Grid.Width;
}
