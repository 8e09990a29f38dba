using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones.Vit;

/// <summary>How learned positions are put on the tokens of a <see cref="VisionTransformer"/>.</summary>
/// <param name="Grid">The patches (h, w) that the embedding was made for.</param>
/// <param name="Leading">How many of the leading tokens have positions: the first ones.</param>
/// <param name="Antialias">Whether resizing is antialiased.</param>
internal sealed record VitPositions((int Height, int Width) Grid, int Leading, bool Antialias)
{
    /// <summary>Tokens with positions.</summary>
    public int Count => Leading + (Grid.Height * Grid.Width);

    /// <param name="leading">Class token, then registers, [1, n, C] each.</param>
    /// <param name="patches">[B, N, C].</param>
    /// <param name="embedding">[1, Leading + h · w, C]; null: there are none.</param>
    /// <param name="grid">(h', w') of the patches at hand.</param>
    /// <returns>[B, all leading + N, C].</returns>
    public Tensor Join(IEnumerable<Tensor?> leading, Tensor patches, Tensor? embedding, (int, int) grid)
    {
        using var scope = NewDisposeScope();
        var tokens = leading.OfType<Tensor>().Select(token => token.expand(patches.shape[0], -1, -1)).ToList();
        var covered = tokens.TakeWhile((_, i) => tokens.Take(i + 1).Sum(token => token.shape[1]) <= Leading).ToList();
        var x = covered.Count == 0 ? patches : cat([.. covered, patches], 1);
        if (embedding is not null)
            x = x + Resized(embedding, grid);
        var others = tokens.Skip(covered.Count).ToList();
        if (others.Count > 0)
        {
            var (first, rest) = (x.narrow(1, 0, Leading), x.narrow(1, Leading, x.shape[1] - Leading));
            x = Leading == 0 ? cat([.. others, x], 1) : cat([first, .. others, rest], 1);
        }
        return scope.MoveToOuter(x);
    }

    private Tensor Resized(Tensor embedding, (int, int) grid)
    {
        if (Antialias || grid == Grid)
            return PositionEmbedding.Resize(embedding, Leading, Grid, grid);
        var patches = embedding.narrow(1, Leading, embedding.shape[1] - Leading);
        var resized = PositionEmbedding.Scaled(patches, Grid, grid, offset: 0);
        return Leading == 0 ? resized : cat([embedding.narrow(1, 0, Leading), resized], 1);
    }
}
