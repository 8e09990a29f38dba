using System.Globalization;

namespace Tessera.Datasets.Detection;

/// <summary>What is wrong with single objects: their boxes and, where masks are read, their masks.</summary>
internal static class ObjectFaults
{
    /// <summary>Whether the box, and the mask where they are read, can be used.</summary>
    public static bool IsUsable(AnnotatedObject item, AnnotatedImage image, bool hasMasks) =>
        item.Fault(image.Height, image.Width) is null && OfMask(item, image, hasMasks) is null;

    /// <summary>Why an object's mask can't be used; null where it can, or none is asked for.</summary>
    public static string? OfMask(AnnotatedObject item, AnnotatedImage image, bool hasMasks) =>
        !hasMasks || image is not { Height: > 0, Width: > 0 } ? null
        : item.Mask is null ? "it has no \"segmentation\""
        : item.Mask.Fault(image.Height, image.Width) ?? (item.Fault(image.Height, image.Width) is null ? MaskJudgement.Apart(item) : null);

    /// <summary>Adds every one of them to what is found.</summary>
    public static void Tell(IEnumerable<AnnotatedImage> images, bool hasMasks, Findings findings)
    {
        var (clipped, first) = (0L, "");
        foreach (var image in images)
        {
            foreach (var item in image.Objects)
            {
                if (item.Fault(image.Height, image.Width) is { } fault)
                {
                    findings.Add(FindingKind.BadBox, image.FaultText(item, fault));
                }
                else if (image.Height > 0 && item.Leaves(image.Height, image.Width) && clipped++ == 0)
                {
                    first = image.Describe(item);
                }
                if (OfMask(item, image, hasMasks) is { } wrong)
                    findings.Add(FindingKind.BadMask, $"{image.Describe(item)}: {wrong}.");
            }
        }
        if (clipped > 0)
            findings.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{clipped:N0} {(clipped == 1 ? "box reaches beyond its image and is" : "boxes reach beyond their image and are")} "
                        + $"clipped to it. The first: {first}."
                )
            );
    }
}
