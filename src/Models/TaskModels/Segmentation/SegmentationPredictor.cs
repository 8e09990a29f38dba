using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>Shows images to a network as the test options say and maps what it sees back to the images as they were.</summary>
internal sealed class SegmentationPredictor
{
    private readonly Func<Tensor, Tensor> _logits;
    private readonly ClassMapForm _form;
    private readonly SlidingWindow? _window;
    private readonly View[] _views;

    /// <param name="logits">Images [B, C, H, W] to logits, or scores, [B, classes, h, w].</param>
    /// <param name="form">Of what they are.</param>
    public SegmentationPredictor(SegmentationTestOptions options, Func<Tensor, Tensor> logits, ClassMapForm form)
    {
        (_logits, _form) = (logits, form);
        _views = View.Of(options.Scales, options.Weights, options.Flip, options.FlipDirections);
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
    public void RequirePlain(string model)
    {
        if (_window is not null || _views is not [{ Scale: 1, FlipX: false, FlipY: false }])
            throw new UserErrorException(
                $"{model}: test.mode slide, test.scales and test.flip show an image to the network several times or in parts, which "
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
        new(_views, [.. seen.Select(logits => logits.narrow(0, image, 1))], (batch.Images.shape[2], batch.Images.shape[3]), _form);

    /// <returns>Logits of the whole view, still mirrored, [B, classes, h, w], float32.</returns>
    private Tensor See(Tensor images, View view)
    {
        using var scope = NewDisposeScope();
        images = view.Show(images);
        return scope.MoveToOuter(_window is null ? _logits(images).to(ScalarType.Float32) : _window.Logits(images, _logits, _form));
    }
}
