using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Onnx.Export;

/// <summary>The size of the model's input.</summary>
internal static class InputSize
{
    private const string Named = "the size of the model's input must be named";

    /// <summary>What the pipeline makes of images of any size.</summary>
    /// <exception cref="UserErrorException">It makes one of each.</exception>
    public static (int Height, int Width) Of(Session session)
    {
        var pipeline = PredictionPipeline.Build(session);
        var sizes = new[] { (480, 640), (640, 480), (700, 700) }
            .Select(size =>
                PreparedSample.Of(PredictionInput.InMemory(0, new Image(size.Item1, size.Item2, 3)), pipeline, new RandomSource(0))
            )
            .Select(prepared => (prepared.Pixels.Height, prepared.Pixels.Width))
            .Distinct()
            .ToArray();
        return sizes is [var only]
            ? only
            : throw new UserErrorException(
                "The pipeline makes images of several sizes ("
                    + string.Join(", ", sizes.Select(size => $"{size.Height} x {size.Width}"))
                    + $" of three that were tried), so {Named}.",
                new Advice(Named, "size")
            );
    }
}
