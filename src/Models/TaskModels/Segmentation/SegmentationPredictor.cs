using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Heads.Segmentation;
using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>A way to look at the image: a size, and whether it is mirrored.</summary>
/// <param name="Weight">Of its probabilities in the mean; all views' sum to 1.</param>
internal readonly record struct View(double Scale, bool FlipX, bool FlipY, double Weight);

/// <summary>Shows images to a network as the test options say and maps what it sees back to the images as they were.</summary>
internal sealed class SegmentationPredictor
{
    private readonly Func<Tensor, Tensor> _logits;
    private readonly SegmentationHead _head;
    private readonly SlidingWindow? _window;
    private readonly View[] _views;

    /// <param name="logits">Images [B, C, H, W] to logits [B, classes, h, w].</param>
    /// <param name="head">Enlarges logits.</param>
    public SegmentationPredictor(SegmentationTestOptions options, Func<Tensor, Tensor> logits, SegmentationHead head)
    {
        (_logits, _head) = (logits, head);
        _views = Views(options);
        _window = SlidingWindow.From(options);
    }

    public IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var seen = _views.Select(view => See(batch.Images, view)).ToArray();
        var finite = FiniteOutput.OfImages(seen);
        var predictions = new Prediction[batch.Count];
        for (var i = 0; i < predictions.Length; i++)
            predictions[i] = new SegmentationPrediction(Maps(batch, seen, i).Classes(batch.Samples[i].Geometry))
            {
                OutputIsFinite = finite[i],
            };
        return predictions;
    }

    /// <exception cref="UserErrorException">An image is shown to the network several times, or in parts.</exception>
    public void RequirePlain()
    {
        if (_window is not null || _views is not [{ Scale: 1, FlipX: false, FlipY: false }])
            throw new UserErrorException(
                "Segmentor: test.mode slide, test.scales and test.flip show an image to the network several times or in parts, which "
                    + "can't be done within an exported file."
            );
    }

    /// <summary>The probabilities of every pixel, one image after another.</summary>
    public IEnumerable<Tensor> Probabilities(Batch batch)
    {
        var seen = Array.ConvertAll(_views, view => See(batch.Images, view).DetachFromDisposeScope());
        try
        {
            for (var i = 0; i < batch.Count; i++)
                yield return Image(i);
        }
        finally
        {
            foreach (var logits in seen)
                logits.Dispose();
        }

        // No scope is open while the caller works with an image.
        Tensor Image(int i)
        {
            using var scope = NewDisposeScope();
            return Maps(batch, seen, i).Probabilities(batch.Samples[i].Geometry);
        }
    }

    private ViewMaps Maps(Batch batch, Tensor[] seen, int image) =>
        new(
            _views,
            [.. seen.Select(logits => logits.narrow(0, image, 1))],
            (batch.Images.shape[2], batch.Images.shape[3]),
            _head.AlignCorners
        );

    /// <returns>Logits of the whole view, still mirrored, [B, classes, h, w], float32.</returns>
    private Tensor See(Tensor images, View view)
    {
        using var scope = NewDisposeScope();
        if (view.Scale != 1)
            images = Upsampling.To(images, [Scaled(images.shape[2]), Scaled(images.shape[3])], alignCorners: false);
        if (view.FlipX || view.FlipY)
            images = images.flip(
                view switch
                {
                    { FlipX: true, FlipY: true } => [2, 3],
                    { FlipX: true } => [3],
                    _ => [2],
                }
            );
        return scope.MoveToOuter(_window is null ? _logits(images).to(ScalarType.Float32) : _window.Logits(images, _logits, _head));

        long Scaled(long side) => Math.Max(1, (long)Math.Round(side * view.Scale));
    }

    private static View[] Views(SegmentationTestOptions options)
    {
        var scales = options.Scales ?? [1];
        if (scales.Any(scale => scale is not (>= 0.05 and <= 20)))
            throw new UserErrorException($"test.scales must lie in 0.05 .. 20, not [{string.Join(", ", scales)}].");
        if (options.Weights is { } given && (given.Length != scales.Length || given.Any(weight => weight is not (> 0 and < 1e6))))
            throw new UserErrorException(
                $"test.weights needs a positive weight for each of the {scales.Length} scales, not [{string.Join(", ", given)}]."
            );
        if (options.FlipDirections is not null && !options.Flip)
            throw new UserErrorException("test.flip_directions says what is mirrored where test.flip is true.");
        var directions = !options.Flip ? [] : options.FlipDirections ?? [MirrorDirection.Horizontal];
        bool[] across = directions.Contains(MirrorDirection.Horizontal) ? [false, true] : [false];
        bool[] down = directions.Contains(MirrorDirection.Vertical) ? [false, true] : [false];
        var weights = options.Weights ?? [.. scales.Select(_ => 1.0)];
        var total = weights.Sum() * across.Length * down.Length;
        return [.. from pair in scales.Zip(weights) from x in across from y in down select new View(pair.First, x, y, pair.Second / total)];
    }
}
