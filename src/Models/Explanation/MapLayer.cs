using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>How a layer's output lies in memory.</summary>
public enum MapForm
{
    /// <summary>[B, C, H, W].</summary>
    ChannelsFirst,

    /// <summary>[B, H, W, C].</summary>
    ChannelsLast,

    /// <summary>[B, N, C], the grid's tokens in reading order after the leading ones.</summary>
    Tokens,
}

/// <summary>A layer of a model whose output is a map of the image.</summary>
/// <param name="Name">As in <c>named_modules</c>.</param>
/// <param name="Output">Which of its outputs, for a module that gives several maps; otherwise 0.</param>
/// <param name="Grid">Rows, columns, and tokens before them.</param>
/// <param name="Why">Why it was chosen, for people.</param>
public sealed record MapLayer(string Name, int Output, MapForm Form, TokenGrid Grid, string Why)
{
    /// <summary>Which of its runs, from 0, for a module that one forward pass calls several times.</summary>
    public int Call { get; init; }

    /// <summary>Of the images that it was found with, in pixels; 0, 0 where unknown.</summary>
    public (int Height, int Width) Image { get; init; }

    /// <summary>What the layer gave, or its gradient, as a map; tokens before the grid are left out.</summary>
    /// <param name="output">In the layer's form, of images of the size that it was found with.</param>
    /// <returns>[B, C, H, W].</returns>
    public Tensor ToMap(Tensor output) =>
        Form switch
        {
            MapForm.ChannelsFirst => output,
            MapForm.ChannelsLast => output.permute(0, 3, 1, 2),
            _ => output
                .narrow(1, Grid.Leading, Grid.Height * Grid.Width)
                .transpose(1, 2)
                .reshape(output.shape[0], output.shape[2], Grid.Height, Grid.Width),
        };

    /// <summary>Whether images of a size have this layer's grid: tokens don't tell how they lie.</summary>
    internal bool Fits(long height, long width) => Form != MapForm.Tokens || Image == (0, 0) || Image == ((int)height, (int)width);

    /// <summary>A map in the layer's form, as its users expect it.</summary>
    /// <param name="map">[B, C, H, W].</param>
    /// <param name="output">What the layer gave: its leading tokens are kept.</param>
    public Tensor FromMap(Tensor map, Tensor output) =>
        Form switch
        {
            MapForm.ChannelsFirst => map,
            MapForm.ChannelsLast => map.permute(0, 2, 3, 1),
            _ when Grid.Leading == 0 => map.flatten(2).transpose(1, 2),
            _ => cat([output.narrow(1, 0, Grid.Leading), map.flatten(2).transpose(1, 2)], 1),
        };
}
