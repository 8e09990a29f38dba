using Tessera.Framework.Models;
using Tessera.Models.Detection.Assigners;

namespace Tessera.Models.Detection.RoI;

/// <summary>What heads of the second stage share in building.</summary>
internal static class RoIParts
{
    private const int MaskFeatures = 14;

    /// <summary>By overlap alone: on an object or background, nothing between, as both MMDetection and torchvision have it.</summary>
    public static MaxIouAssigner Assigner(double iou) =>
        new(new(PosIouThr: iou, NegIouThr: iou, MinPosIou: iou, MatchLowQuality: false)) { IgnoreIofThr = -1 };

    /// <summary>The extractor of a mask head; null where there is no such head.</summary>
    public static RoIExtractor? MaskExtractor(string head, RoIExtractor? given, MaskHead? maskHead, IFeatureSource source)
    {
        if (maskHead is null)
            return given is null ? null : throw new UserErrorException($"{head}: mask_roi_extractor has no meaning without mask_head.");
        given ??= new SingleRoIExtractor(new(OutputSize: MaskFeatures), source);
        RequireSameSize(head, "mask", given, maskHead.RoiFeatSize);
        return given;
    }

    /// <exception cref="UserErrorException">The extractor gives another size than the head reads.</exception>
    public static void RequireSameSize(string head, string which, RoIExtractor extractor, int expected)
    {
        if (extractor.OutputSize != expected)
            throw new UserErrorException(
                $"{head}: {which}_roi_extractor gives features of {extractor.OutputSize} x {extractor.OutputSize} (output_size), but "
                    + $"{which}_head reads {expected} x {expected} (roi_feat_size)."
            );
    }
}
