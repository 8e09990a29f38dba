using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Results;

/// <summary>A segment that was found.</summary>
/// <param name="Index">Its value in the map.</param>
/// <param name="ClassIndex">Among the model's classes.</param>
/// <param name="ClassName">The class's name.</param>
/// <param name="IsThing">One object; otherwise all of a class of stuff.</param>
/// <param name="Share">Of all pixels, in (0, 1].</param>
/// <param name="Score">In [0, 1].</param>
public sealed record FoundSegment(int Index, int ClassIndex, string ClassName, bool IsThing, double Share, float Score);

/// <summary>The segments of an image, of which every pixel belongs to one or none.</summary>
public sealed record PanopticSegments : Result
{
    internal PanopticSegments(PanopticPrediction raw, DataInfo data)
        : base(raw)
    {
        Map = raw.Map.Map;
        var (areas, pixels) = (raw.Map.Areas(), (double)Map.Height * Map.Width);
        Segments =
        [
            .. raw
                .Map.Segments.Select(
                    (segment, i) =>
                        new FoundSegment(
                            i,
                            segment.Label,
                            data.Classes[segment.Label],
                            data.Things?[segment.Label] == true,
                            areas[i] / pixels,
                            segment.Score ?? 1
                        )
                )
                .Where(segment => segment.Share > 0)
                .OrderByDescending(segment => segment.Share),
        ];
    }

    /// <summary>H x W x 1 of the original image, <see cref="PixelType.UInt16"/>: <see cref="FoundSegment.Index"/> of every pixel, or
    /// <see cref="PanopticMap.Void"/>.</summary>
    public Image Map { get; }

    /// <summary>The largest first.</summary>
    public IReadOnlyList<FoundSegment> Segments { get; }
}
