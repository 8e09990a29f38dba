using System.Collections.Concurrent;
using Tessera.Framework.Models;

namespace Tessera.Models.Detection.Anchors;

/// <summary>Lays boxes of fixed shapes over every place of every feature map.</summary>
[ComponentKind("anchor generator")]
public abstract class AnchorGeneratorBase
{
    /// <summary>Anchors of one place; the same for every map.</summary>
    public abstract int PerCell { get; }

    /// <summary>Stride of each map.</summary>
    public abstract IReadOnlyList<int> Strides { get; }

    /// <param name="maps">Height and width of each map.</param>
    /// <param name="image">Height and width of the images, padding included.</param>
    public abstract AnchorGrid Generate(IReadOnlyList<(int Height, int Width)> maps, (int Height, int Width) image);
}

/// <param name="OctaveBaseScale">An anchor's side at its map, in strides, at the first scale. 4 by default. With scales_per_octave; in
/// place of scales.</param>
/// <param name="ScalesPerOctave">Scales within a factor of two: base · 2^(i / n). 3 by default.</param>
/// <param name="Scales">Sides in strides, explicitly.</param>
/// <param name="Ratios">Height over width.</param>
/// <param name="Strides">Stride of each map; the neck's by default.</param>
/// <param name="BaseSizes">What the scales multiply, for each map; its stride by default.</param>
/// <param name="Sizes">Sides in pixels, for each map, in place of scales: as torchvision has them, and as tools/optimize-anchors prints
/// them.</param>
/// <param name="CenterOffset">Where in its cell an anchor's centre lies, in strides: 0 the corner, 0.5 the middle.</param>
/// <param name="Round">Corners relative to the centre are whole pixels, as torchvision has them.</param>
/// <param name="StridesFromImage">The distance of places is the image's size over the map's, rounded down, as torchvision has it; otherwise
/// the stride.</param>
public sealed record AnchorGeneratorOptions(
    [property: Range(0.01, 1000)] double? OctaveBaseScale = null,
    [property: Range(1, 16)] int? ScalesPerOctave = null,
    [property: MinLength(1), Range(0.01, 1000)] double[]? Scales = null,
    [property: MinLength(1), Range(0.01, 100)] double[]? Ratios = null,
    [property: MinLength(1), Range(1, 4096)] int[]? Strides = null,
    [property: MinLength(1), Range(1, 4096)] double[]? BaseSizes = null,
    [property: MinLength(1)] double[][]? Sizes = null,
    [property: Range(0, 1)] double CenterOffset = 0,
    bool Round = false,
    bool StridesFromImage = false
);

/// <summary>Anchors of several scales and ratios at every place.</summary>
/// <remarks>
/// Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497; scales within an octave: Lin et al., "Focal Loss for Dense Object
/// Detection", 2017, arXiv:1708.02002. Within a place, ratios come first, scales within them.
/// </remarks>
[Component("AnchorGenerator")]
public sealed class AnchorGenerator : AnchorGeneratorBase
{
    private const int Remembered = 64; // sizes of images whose anchors are kept; a random resize has many

    private readonly AnchorGeneratorOptions _options;
    private readonly BoxArray[] _shapes; // per map, around (0, 0)
    private readonly ConcurrentDictionary<string, AnchorGrid> _known = new();

    /// <param name="source">The neck, whose strides are the anchors'.</param>
    public AnchorGenerator(AnchorGeneratorOptions options, IFeatureSource source)
    {
        _options = options;
        Strides = options.Strides ?? source.OutStrides;
        if (!Strides.SequenceEqual(source.OutStrides))
            throw new UserErrorException(
                $"AnchorGenerator: strides are [{string.Join(", ", Strides)}], but the maps have [{string.Join(", ", source.OutStrides)}]."
            );
        _shapes = Array.ConvertAll(AnchorSides.Of(options, Strides), Shapes);
        PerCell = _shapes[0].Count;
        if (_shapes.Any(shapes => shapes.Count != PerCell || shapes.Count == 0))
            throw new UserErrorException("AnchorGenerator: every map needs the same number of sizes, since all maps share the head.");
    }

    public override int PerCell { get; }

    public override IReadOnlyList<int> Strides { get; }

    public override AnchorGrid Generate(IReadOnlyList<(int Height, int Width)> maps, (int Height, int Width) image)
    {
        if (maps.Count != Strides.Count)
            throw new UserErrorException($"AnchorGenerator lays anchors over {Strides.Count} maps; there are {maps.Count}.");
        var key = $"{image} {string.Join(' ', maps)}";
        if (_known.TryGetValue(key, out var known))
            return known;
        var grid = Lay(maps, image);
        if (_known.Count >= Remembered)
            _known.Clear();
        _known[key] = grid;
        return grid;
    }

    private AnchorGrid Lay(IReadOnlyList<(int Height, int Width)> maps, (int Height, int Width) image)
    {
        var levels = new AnchorLevel[maps.Count];
        var count = 0;
        for (var i = 0; i < levels.Length; i++)
        {
            levels[i] = new AnchorLevel(count, maps[i].Height, maps[i].Width, PerCell);
            count = checked(count + levels[i].Count);
        }
        var boxes = BoxArray.WithRoom(count);
        for (var i = 0; i < levels.Length; i++)
            Lay(boxes, levels[i], _shapes[i], Strides[i], image);
        return new AnchorGrid(boxes, levels);
    }

    private void Lay(BoxArray boxes, AnchorLevel level, BoxArray shapes, int stride, (int Height, int Width) image)
    {
        var (down, right) = _options.StridesFromImage ? (image.Height / level.Height, image.Width / level.Width) : (stride, stride);
        var offset = (float)(_options.CenterOffset * stride);
        var i = level.Start;
        for (var row = 0; row < level.Height; row++)
        {
            for (var column = 0; column < level.Width; column++)
            {
                var (x, y) = (column * right + offset, row * down + offset);
                for (var shape = 0; shape < shapes.Count; shape++, i++)
                {
                    boxes.X1[i] = x + shapes.X1[shape];
                    boxes.Y1[i] = y + shapes.Y1[shape];
                    boxes.X2[i] = x + shapes.X2[shape];
                    boxes.Y2[i] = y + shapes.Y2[shape];
                }
            }
        }
    }

    private BoxArray Shapes(double[] sides)
    {
        var ratios = _options.Ratios ?? [0.5, 1, 2];
        var shapes = BoxArray.WithRoom(ratios.Length * sides.Length);
        for (var i = 0; i < shapes.Count; i++)
        {
            // In float32 and in this order, so that anchors equal torchvision's to the last bit.
            var high = MathF.Sqrt((float)ratios[i / sides.Length]);
            var side = (float)sides[i % sides.Length];
            var (halfWidth, halfHeight) = (1 / high * side / 2, high * side / 2);
            if (_options.Round)
                (halfWidth, halfHeight) = (MathF.Round(halfWidth), MathF.Round(halfHeight));
            (shapes.X1[i], shapes.Y1[i], shapes.X2[i], shapes.Y2[i]) = (-halfWidth, -halfHeight, halfWidth, halfHeight);
        }
        return shapes;
    }
}
