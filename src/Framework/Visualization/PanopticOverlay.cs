using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Panoptic maps over the image that they belong to.</summary>
public static class PanopticOverlay
{
    private const double Step = 0.381966; // of the golden ratio: shades of one class's objects stay apart, however many there are

    /// <summary>Stuff in its class's colour, things in shades of theirs; where segments meet there is a line. Pixels without a segment are
    /// hatched in grey.</summary>
    /// <param name="picture">Any type, of the map's size.</param>
    /// <param name="data">Classes, colours, and which are things.</param>
    /// <param name="opacity">Of the colours.</param>
    /// <returns>8-bit RGB.</returns>
    public static Image Draw(Image picture, PanopticMap map, DataInfo data, double opacity = 0.6) =>
        Overlays.Segmentation(picture, map.Map, Colors(map, data), opacity);

    /// <summary>[segments], in their order.</summary>
    public static Rgb[] Colors(PanopticMap map, DataInfo data)
    {
        var (ofClasses, seen) = (ClassColors.Of(data), new Dictionary<int, int>());
        return
        [
            .. map.Segments.Select(segment =>
            {
                var known = (uint)segment.Label < (uint)ofClasses.Length;
                var color = known ? ofClasses[segment.Label] : Rgb.Gray;
                if (!known || data.Things?[segment.Label] != true)
                    return color;
                seen[segment.Label] = seen.GetValueOrDefault(segment.Label) + 1;
                var shade = (seen[segment.Label] - 1) * Step % 1; // the first has the class's own colour
                return shade < 0.5 ? color.Towards(Rgb.White, shade) : color.Towards(Rgb.Black, shade - 0.5);
            }),
        ];
    }

    /// <summary>The classes that occur, by index.</summary>
    public static IReadOnlyList<int> ClassesIn(PanopticMap map, int classes)
    {
        var areas = map.Areas();
        return
        [
            .. map
                .Segments.Where((segment, i) => areas[i] > 0 && (uint)segment.Label < (uint)classes)
                .Select(segment => segment.Label)
                .Distinct()
                .Order(),
        ];
    }
}
