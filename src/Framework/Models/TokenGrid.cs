namespace Tessera.Framework.Models;

/// <summary>How a sequence of tokens lies over an image: leading tokens (a class token), then a grid in reading order.</summary>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
/// <param name="Leading">Tokens before the grid.</param>
public readonly record struct TokenGrid(int Height, int Width, int Leading = 0)
{
    /// <summary>Tokens in all.</summary>
    public int Count => Leading + (Height * Width);
}
