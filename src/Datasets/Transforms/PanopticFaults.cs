using System.Globalization;

namespace Tessera.Datasets.Transforms;

/// <summary>The ways in which a map of segments can be wrong, in words. Each names the file.</summary>
internal static class PanopticFaults
{
    private const int Named = 3;

    public static string OtherSize(string map, (int Height, int Width) size, string photograph, (int Height, int Width) its) =>
        $"{map}: the map of segments has {size.Width} x {size.Height} pixels, its photograph {photograph} has "
        + $"{its.Width} x {its.Height}. Every pixel of the photograph needs its place in the map."
        + (
            size == (its.Width, its.Height) && size.Height != size.Width
                ? " One is the other turned: set LoadImage's \"apply_orientation\" as the map was drawn (false: without the photograph's "
                    + "EXIF orientation)."
                : ""
        );

    /// <summary>Values where colours were expected.</summary>
    public static string Gray(string map) =>
        $"{map}: the map of segments has one channel of values; its colours must hold the segments' ids, as R + 256 G + 65536 B (COCO's "
        + "panoptic format). Is it a map of classes, or were the ids written as gray values?";

    /// <param name="ids">Of segments that no pixel has.</param>
    public static string Absent(string map, IReadOnlyList<long> ids) =>
        $"{map}: no pixel has the {Some(ids, id => $"{id}")}, of {(ids.Count == 1 ? "a segment" : "segments")} that the annotation "
        + "lists for this image.";

    /// <param name="ids">That pixels have.</param>
    /// <param name="listed">How many segments the annotation lists.</param>
    public static string Unlisted(string map, IReadOnlyList<long> ids, int listed) =>
        $"{map}: pixels have the {Some(ids, id => $"{id} (colour {id & 255}, {(id >> 8) & 255}, {id >> 16})")}, which the annotation "
        + $"doesn't list among the {listed} segments of this image.";

    private static string Some(IReadOnlyList<long> ids, Func<long, string> text) =>
        ids.Count == 1
            ? $"id {text(ids[0])}"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"ids {string.Join(", ", ids.Take(Named).Select(text))}{(ids.Count > Named ? $", … ({ids.Count:N0} in all)" : "")}"
            );
}
