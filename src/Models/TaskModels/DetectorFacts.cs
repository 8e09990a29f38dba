using Tessera.Framework.Models;
using Tessera.Models.Detection.Suppression;

namespace Tessera.Models.TaskModels;

/// <summary>What of a detector's way to predict tensors alone can tell.</summary>
internal static class DetectorFacts
{
    /// <exception cref="UserErrorException">The images are looked at several times, or boxes are judged in the original image.</exception>
    public static void RequirePlain(DetectorTestOptions test)
    {
        if (test.Flip || test.Scales is not (null or [1]))
            throw new UserErrorException(
                "Detector: test.flip and test.scales look at an image several times, which can't be done within an exported file."
            );
        if (test.MinBboxSize > 0)
            throw new UserErrorException(
                "Detector: test.min_bbox_size is measured in the original image, which can't be done within an exported file."
            );
    }

    /// <exception cref="UserErrorException">It is another method than Nms.</exception>
    public static BoxSuppression Suppression(SuppressionMethod method, DetectorTestOptions test) =>
        method is Nms nms
            ? new BoxSuppression(nms.IouThreshold, test.MaxPerImg)
            : throw new UserErrorException(
                $"Detector: {method.GetType().Name} can't be done within an exported file; Nms can (model.test.nms)."
            );
}
