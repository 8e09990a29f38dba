using Tessera.Datasets.Images.Color;
using Tessera.Datasets.Images.Filtering;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>What CLAHE equalizes of an image of three channels.</summary>
public enum ClaheChannels
{
    /// <summary>Each channel for itself, as MMSegmentation does; hues change.</summary>
    Each,

    /// <summary>The lightness L of L*a*b*, as albumentations does; hues stay.</summary>
    Lightness,
}

/// <param name="ClipLimit">Pixels of a level in a tile, as a multiple of their mean; one number, or two that it is drawn between. By
/// default 40.</param>
/// <param name="TileGridSize">Tiles down and across. By default 8.</param>
/// <param name="Channels">each or lightness.</param>
/// <param name="Prob">How often the image is equalized.</param>
public sealed record ClaheOptions(
    [property: Length(1, 2)] double[]? ClipLimit = null,
    HeightWidth? TileGridSize = null,
    ClaheChannels Channels = ClaheChannels.Each,
    [property: Range(0.0, 1.0)] double Prob = 1
);

/// <summary>Contrast limited adaptive histogram equalization: evens out the contrast of every part of an image. 8-bit images.</summary>
/// <remarks>Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, 1994; pixels are those of OpenCV's
/// createCLAHE.</remarks>
[Component("Clahe")]
public sealed class Clahe : Transform
{
    private const int MostTiles = 256;

    private readonly ClaheOptions _options;
    private readonly double[] _limit;
    private readonly int _down,
        _across;

    public Clahe(ClaheOptions options)
    {
        (_options, _limit) = (options, options.ClipLimit ?? [40]);
        (_down, _across) = options.TileGridSize is { } tiles ? (tiles.Height, tiles.Width) : (8, 8);
        if (_limit.Any(limit => !(limit >= 0 && limit <= 1e6)) || _limit[0] > _limit[^1])
            throw new UserErrorException($"Clahe: clip_limit {string.Join(", ", _limit)} must rise and lie between 0 and 1000000.");
        if (_down is < 1 or > MostTiles || _across is < 1 or > MostTiles)
            throw new UserErrorException($"Clahe: tile_grid_size {_down}, {_across} is not from 1 to {MostTiles}.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "Clahe");
        if (!random.Chance(_options.Prob))
            return sample;
        var limit = _limit.Length == 1 ? _limit[0] : random.Uniform(_limit[0], _limit[1]);
        var result = SampleGeometry.ImageOf(sample).Clone();
        var lightness = result.Channels == 3 && _options.Channels == ClaheChannels.Lightness;
        if (lightness)
            Lab.FromRgb(result.Bytes);
        for (var c = 0; c < (lightness ? 1 : result.Channels); c++)
            ContrastLimitedEqualization.Apply(result.Bytes, c, result.Channels, result.Height, result.Width, limit, _down, _across);
        if (lightness)
            Lab.ToRgb(result.Bytes);
        sample.Image = new(result);
        return sample;
    }
}
