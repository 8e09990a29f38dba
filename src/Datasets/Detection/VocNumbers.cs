using System.Globalization;
using System.Xml.Linq;

namespace Tessera.Datasets.Detection;

/// <summary>Numbers in VOC's files.</summary>
internal static class VocNumbers
{
    private static readonly string[] s_corners = ["xmin", "ymin", "xmax", "ymax"];

    /// <summary>NaN where there is none.</summary>
    public static double Of(XElement? element) =>
        double.TryParse(element?.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;

    /// <summary>Which corner of a box is missing or no number, and what stands there; null where all are numbers.</summary>
    public static string? Fault(XElement? box)
    {
        if (box is null)
            return "the object has no <bndbox>, so its box is missing.";
        foreach (var name in s_corners)
        {
            var element = box.Element(name);
            if (element is null)
                return $"the box's <{name}> is missing.";
            if (!double.IsFinite(Of(element)))
                return $"the box's <{name}> is {NumberText.Wrong(element.Value)}";
        }
        return null;
    }
}
