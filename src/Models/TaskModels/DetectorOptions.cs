using Tessera.Models.Detection.Suppression;

namespace Tessera.Models.TaskModels;

/// <summary>How an image is mirrored for a second look.</summary>
public enum TestFlip
{
    /// <summary>Left and right.</summary>
    Horizontal,

    /// <summary>Top and bottom.</summary>
    Vertical,

    /// <summary>Both.</summary>
    Diagonal,
}

/// <param name="ScoreThr">A score must exceed it.</param>
/// <param name="Nms">How several boxes on one object become one; Nms with iou_threshold 0.5 by default.</param>
/// <param name="NmsPre">Of each map, at most this many of the best go on to it.</param>
/// <param name="MaxPerImg">At most this many boxes an image.</param>
/// <param name="MinBboxSize">Width and height, in pixels of the original image, must exceed it; negative: even boxes without area
/// stay.</param>
/// <param name="Flip">The image is looked at mirrored, too, and all boxes go to nms together.</param>
/// <param name="FlipDirections">With flip: how; "horizontal" by default.</param>
/// <param name="Scales">The image is looked at in several sizes, as factors on that which the pipeline gives; [1] by default.</param>
/// <param name="FuseConvBn">Batch norms are worked into the convolutions before them: faster, and the same but for rounding.</param>
public sealed record DetectorTestOptions(
    [property: Range(0, 1)] double ScoreThr = 0.05,
    ComponentSpec<SuppressionMethod>? Nms = null,
    [property: Range(1, 1_000_000)] int NmsPre = 1000,
    [property: Range(1, 1_000_000)] int MaxPerImg = 100,
    [property: Range(-1, 10_000)] double MinBboxSize = 0,
    bool Flip = false,
    [property: MinLength(1)] TestFlip[]? FlipDirections = null,
    [property: MinLength(1), Range(0.05, 20)] double[]? Scales = null,
    bool FuseConvBn = false
);

/// <param name="Test">How it predicts.</param>
public sealed record DetectorOptions(DetectorTestOptions? Test = null);
