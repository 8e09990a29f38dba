using static TorchSharp.torch;

namespace Tessera.Models.Detection;

/// <summary>Boxes of several arrays as one tensor.</summary>
internal static class BoxRows
{
    /// <param name="items">What each row is for.</param>
    /// <param name="find">An array, and the place of the row's box in it.</param>
    /// <returns>[items, 4], x1, y1, x2, y2.</returns>
    public static Tensor Of<T>(IReadOnlyList<T> items, Func<T, (BoxArray Boxes, int Index)> find, Device device)
    {
        var rows = new float[4 * items.Count];
        for (var i = 0; i < items.Count; i++)
        {
            var (boxes, index) = find(items[i]);
            boxes.CopyTo(index, rows.AsSpan(4 * i, 4));
        }
        return tensor(rows, device: device).view(-1, 4);
    }
}
