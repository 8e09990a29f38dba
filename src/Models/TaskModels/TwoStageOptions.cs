using Tessera.Models.Detection.Suppression;

namespace Tessera.Models.TaskModels;

/// <summary>How a mask of a box's size gets into the image.</summary>
public enum MaskPaste
{
    /// <summary>At each pixel's centre the mask is sampled where that lies in the box, as in Detectron2 and MMDetection.</summary>
    Sampled,

    /// <summary>The mask is resized to the box, rounded to whole pixels, as in torchvision.</summary>
    WholePixels,
}

/// <param name="ScoreThr">A score must exceed it.</param>
/// <param name="Nms">How several boxes on one object become one; Nms with iou_threshold 0.5 by default.</param>
/// <param name="MaxPerImg">At most this many boxes an image.</param>
/// <param name="MinBboxSize">Width and height, in pixels of the original image, must exceed it; negative: even boxes without area
/// stay.</param>
/// <param name="Flip">The image is looked at mirrored, too, all boxes go to nms together, and masks are the mean of all looks.</param>
/// <param name="FlipDirections">With flip: how; "horizontal" by default.</param>
/// <param name="Scales">The image is looked at in several sizes, as factors on that which the pipeline gives; [1] by default.</param>
/// <param name="FuseConvBn">Batch norms are worked into the convolutions before them: faster, and the same but for rounding.</param>
/// <param name="MaskThr">From this probability on a pixel belongs to the mask.</param>
/// <param name="MaskPaste">How a mask of a box's size gets into the image: "sampled", or "whole_pixels" as torchvision has it.</param>
public sealed record TwoStageTestOptions(
    [property: Range(0, 1)] double ScoreThr = 0.05,
    ComponentSpec<SuppressionMethod>? Nms = null,
    [property: Range(1, 1_000_000)] int MaxPerImg = 100,
    [property: Range(-1, 10_000)] double MinBboxSize = 0,
    bool Flip = false,
    [property: MinLength(1)] TestFlip[]? FlipDirections = null,
    [property: MinLength(1), Range(0.05, 20)] double[]? Scales = null,
    bool FuseConvBn = false,
    [property: Range(0, 1)] double MaskThr = 0.5,
    MaskPaste MaskPaste = MaskPaste.Sampled
);

/// <param name="Test">How it predicts.</param>
public sealed record TwoStageDetectorOptions(TwoStageTestOptions? Test = null);
