using System.Collections.ObjectModel;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Pictures;
using Tessera.Results;

namespace Tessera;

/// <summary>A trained model that predicts images, whatever computes it.</summary>
public abstract class ImagePredictor : IDisposable
{
    private static readonly LoadImage s_load = new(new LoadImageOptions());

    /// <summary>The classes that the model was trained on.</summary>
    public abstract DataInfo Data { get; }

    /// <summary>By class, the score from which on it is believed, as the model's file has it; empty where it has none.</summary>
    public virtual IReadOnlyDictionary<string, double> Thresholds => ReadOnlyDictionary<string, double>.Empty;

    /// <summary>What the model makes of an image file.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    public Prediction Predict(string path) => PredictSample(PredictionInput.File(0, path));

    /// <summary>What the model makes of an image in memory (RGB).</summary>
    public Prediction Predict(Image image) => PredictSample(PredictionInput.InMemory(0, image));

    /// <summary>What the model makes of an image file in memory, of any format that can be read.</summary>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Prediction Predict(ReadOnlyMemory<byte> file, string name = "image") => PredictSample(PredictionInput.Encoded(0, file, name));

    /// <summary>What the model makes of an image file from a stream, which is read to its end.</summary>
    /// <param name="stream">Stays the caller's.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Prediction Predict(Stream stream, string name = "image") => PredictSample(PredictionInput.FromStream(0, stream, name));

    /// <summary>Predictions for many files, in order. A file that can't be read is left out.</summary>
    /// <param name="unreadable">Told which file was left out, and why.</param>
    public abstract IEnumerable<(string Path, Prediction Prediction)> Predict(
        IReadOnlyList<string> paths,
        Action<string, string>? unreadable = null
    );

    /// <summary>What the model makes of an image file, with names: <see cref="Classification"/>, <see cref="Detections"/>,
    /// <see cref="Segmentation"/> or <see cref="Regression"/>.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    public Result Recognize(string path) => Named(Predict(path));

    /// <summary>What the model makes of an image in memory (RGB), with names.</summary>
    public Result Recognize(Image image) => Named(Predict(image));

    /// <summary>What the model makes of an image file in memory, with names.</summary>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Result Recognize(ReadOnlyMemory<byte> file, string name = "image") => Named(Predict(file, name));

    /// <summary>What the model makes of an image file from a stream, with names.</summary>
    /// <param name="stream">Stays the caller's.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Result Recognize(Stream stream, string name = "image") => Named(Predict(stream, name));

    /// <summary>The classes of an image file, the most probable first.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Classification Classify(string path) => Named<Classification>(Predict(path));

    /// <summary>The classes of an image in memory (RGB), the most probable first.</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Classification Classify(Image image) => Named<Classification>(Predict(image));

    /// <summary>The objects in an image file, the best first.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Detections Detect(string path) => Named<Detections>(Predict(path));

    /// <summary>The objects in an image in memory (RGB), the best first.</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Detections Detect(Image image) => Named<Detections>(Predict(image));

    /// <summary>The class of every pixel of an image file.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Segmentation Segment(string path) => Named<Segmentation>(Predict(path));

    /// <summary>The class of every pixel of an image in memory (RGB).</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Segmentation Segment(Image image) => Named<Segmentation>(Predict(image));

    /// <summary>The numbers that an image file shows.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Regression Measure(string path) => Named<Regression>(Predict(path));

    /// <summary>The numbers that an image in memory (RGB) shows.</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Regression Measure(Image image) => Named<Regression>(Predict(image));

    /// <summary>Draws a result over its image: boxes, the map with a legend, or classes and numbers under it.</summary>
    /// <param name="path">The image that the result is of.</param>
    /// <param name="leastScore">Boxes that score less are left out.</param>
    /// <returns>The caller's to dispose; <see cref="Drawing.EncodePng"/> gives a file's content, <see cref="Drawing.ToImage"/> the
    /// pixels.</returns>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    public Drawing Draw(string path, Result result, double leastScore = PredictionDrawing.UsualScore) =>
        Draw(s_load.Apply(PredictionInput.File(0, path), new RandomSource(0)).Image!.Decode(), result, leastScore);

    /// <summary>The same over an image in memory.</summary>
    public Drawing Draw(Image image, Result result, double leastScore = PredictionDrawing.UsualScore) =>
        PredictionDrawing.Draw(image, result.Raw, Data, leastScore: leastScore, thresholds: Thresholds);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    /// <summary>What the model makes of an image that is not loaded yet.</summary>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    protected abstract Prediction PredictSample(Sample sample);

    private Result Named(Prediction prediction) => Result.Of(prediction, Data, Thresholds);

    private T Named<T>(Prediction prediction)
        where T : Result =>
        Named(prediction) as T
        ?? throw new InvalidOperationException(
            $"The model is for {TaskNames.Of(Data.Task)}, whose results are {Named(prediction).GetType().Name}, not {typeof(T).Name}."
        );
}
