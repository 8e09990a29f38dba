using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A model that can say by tensors alone what it predicts, as far as tensors go: a file for other runtimes is made of
/// it.</summary>
public interface IPredictsByTensors
{
    /// <summary>What is predicted. A regression: "values" [B, targets], in the targets' units. A segmentor: "logits" [B, classes, H, W], of
    /// the images' size. A detector: "boxes" [B, N, 4], xyxy in pixels of the images, "scores" [B, N], 0 where too low to count, and
    /// "labels" [B, N], int64, before suppression.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>Owned by the caller's dispose scope.</returns>
    /// <exception cref="Errors.UserErrorException">The model is set to predict in a way that tensors alone can't tell.</exception>
    IReadOnlyList<(string Name, Tensor Value)> Predicted(Tensor images);

    /// <summary>How boxes are suppressed; null of other tasks.</summary>
    BoxSuppression? Suppression => null;
}

/// <summary>How boxes of one class that overlap become one: those that a better one covers are dropped.</summary>
/// <param name="IouThreshold">A box that overlaps a better one by more is dropped.</param>
/// <param name="MaxPerImage">At most this many are left of an image, the best.</param>
public sealed record BoxSuppression(double IouThreshold, int MaxPerImage);
