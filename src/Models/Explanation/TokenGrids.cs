using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>How tokens lie over images of a size: by the grids that modules are given while a model runs, otherwise by the tokens'
/// number.</summary>
internal sealed class TokenGrids(int height, int width)
{
    private const int MostLeading = 16; // class, distillation and register tokens, where nothing tells their number

    private readonly List<TokenGrid> _noticed = []; // the latest last

    /// <summary>To be told of each module that runs, and what it is given.</summary>
    public void Notice(nn.Module called, object?[] inputs)
    {
        _noticed.AddRange(inputs.OfType<TokenGrid>());
        if (called is IHasTokenGrid known)
            _noticed.Add(known.GridOf(height, width));
    }

    /// <summary>The grid of a number of tokens; null where none fits.</summary>
    public TokenGrid? Of(long tokens)
    {
        for (var i = _noticed.Count - 1; i >= 0; i--)
        {
            if (_noticed[i].Count == tokens)
                return _noticed[i];
            if (_noticed[i].Count - _noticed[i].Leading == tokens)
                return _noticed[i] with { Leading = 0 };
        }
        return Guess(tokens, height, width);
    }

    /// <summary>A grid of several places with the image's proportions, with as few tokens before it as possible; null where none
    /// fits.</summary>
    public static TokenGrid? Guess(long tokens, int height, int width)
    {
        for (var leading = 0; leading <= MostLeading; leading++)
            if (MapLayers.GridOf(tokens, height, width, leading) is { } found && found.Height * found.Width > 1)
                return found;
        return null;
    }
}
