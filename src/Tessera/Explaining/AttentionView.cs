using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Explaining;

/// <summary>Where one attention layer looks.</summary>
/// <param name="Index">Its place among the network's attention layers, from 0.</param>
/// <param name="Name">As in <c>named_modules</c>.</param>
/// <param name="Grid">Its tokens.</param>
/// <param name="Heads">How many it has.</param>
/// <param name="Maps">One for each head, or one, over the grid.</param>
public sealed record BlockView(int Index, string Name, TokenGrid Grid, int Heads, IReadOnlyList<RelevanceMap> Maps);

/// <summary>Where a network looks in one image.</summary>
/// <param name="Photograph">As its file has it, 8-bit RGB.</param>
/// <param name="Input">Height and width of what the network was given.</param>
/// <param name="Geometry">What was done to the photograph for that.</param>
/// <param name="Prediction">What the network makes of it.</param>
/// <param name="Target">What <see cref="Synthesis"/> speaks for; null where it reads no score.</param>
/// <param name="Focus">[4], x1, y1, x2, y2 in the photograph: the object or the rectangle that <paramref name="Target"/> is; null where
/// it is none.</param>
/// <param name="Query">From where attention is seen: a class token, or the mean over all places.</param>
/// <param name="Blocks">Those asked for.</param>
/// <param name="Synthesis">Of these blocks, over the finest of their grids.</param>
/// <param name="SeveralGrids">The blocks' grids differ: it is a pyramid.</param>
/// <param name="Foreground">[height * width] of the photograph; null where none was asked for.</param>
public sealed record AttentionView(
    Image Photograph,
    HeightWidth Input,
    Geometry Geometry,
    Prediction Prediction,
    string? Target,
    float[]? Focus,
    string Query,
    IReadOnlyList<BlockView> Blocks,
    RelevanceMap Synthesis,
    bool SeveralGrids,
    bool[]? Foreground
)
{
    /// <summary>A map over a grid of tokens, over the photograph in some size: bilinear; NaN where the network was not shown it.</summary>
    public RelevanceMap OnPhotograph(RelevanceMap map, int height, int width) => Enlarged(map).On(Geometry, height, width);

    private RelevanceMap Enlarged(RelevanceMap map) => GridMaps.Enlarge(map, Input.Height, Input.Width);
}
