namespace Tessera.Framework.Data;

/// <summary>What is known of an example. What lies on the image's grid (boxes, maps, masks) is moved along by every geometric
/// transform.</summary>
public sealed class GroundTruth
{
    /// <summary>Index into the class names.</summary>
    public int? Label { get; set; }

    /// <summary>Multi-hot labels, [classes], 0 or 1 (or a probability).</summary>
    public float[]? MultiLabel { get; set; }

    /// <summary>Regression targets, [targets].</summary>
    public float[]? Targets { get; set; }

    /// <summary>In pixels of the image as it is now.</summary>
    public Boxes? Boxes { get; set; }

    /// <summary>The boxes as annotated, on the original image, for evaluation. No transform touches it.</summary>
    public BoxAnnotation? BoxAnnotation { get; set; }

    /// <summary>Class index of every pixel, H x W x 1, <see cref="PixelType.UInt8"/> or UInt16; 255 (65535) is ignored.</summary>
    public Image? SegmentationMap { get; set; }

    /// <summary>Which segment every pixel belongs to, of data for panoptic segmentation.</summary>
    public PanopticMap? Panoptic { get; set; }

    /// <summary>One mask per box, each H x W x 1, UInt8, 0 or 1.</summary>
    public IReadOnlyList<Image>? InstanceMasks { get; set; }

    /// <summary>Further targets that lie on the image's grid (depth, a clean image …), by name.</summary>
    public Dictionary<string, Image> ExtraMaps { get; } = [];
}

/// <summary>Boxes of one image.</summary>
/// <param name="Corners">[N * 4], x1, y1, x2, y2 in pixels of the image as it is now.</param>
/// <param name="Labels">[N], indices into the class names.</param>
/// <param name="Ignored">[N], crowd or difficult: neither a target nor a mistake.</param>
public sealed record Boxes(float[] Corners, int[] Labels, bool[] Ignored)
{
    public int Count => Labels.Length;
}
