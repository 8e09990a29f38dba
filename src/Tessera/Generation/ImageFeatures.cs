using Tessera.Features;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Models.Explanation;
using static TorchSharp.torch;

namespace Tessera.Generation;

/// <summary>What a trained classifier's last layer reads of images: the space in which sets of images are compared. The images come to it
/// as they do in prediction.</summary>
public sealed class ImageFeatures : IDisposable
{
    private const int BatchSize = 32;

    private readonly Session _session;
    private readonly IReadOnlyList<Transform> _pipeline;
    private readonly IGivesFeatures _model;

    private ImageFeatures(Session session)
    {
        _session = session;
        _model = FeatureModel.Of(session.Model);
        _pipeline = PredictionPipeline.Build(session);
    }

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, needs a plugin that the options don't name, or its
    /// model gives no features.</exception>
    public static ImageFeatures Load(string checkpoint, SessionOptions? options = null) =>
        Session.OfCheckpoint(checkpoint, options).HandOver(session => new ImageFeatures(session));

    /// <summary>Of image files.</summary>
    /// <param name="advance">Told images done, images in all.</param>
    /// <returns>[N, D], float32, on the CPU; the caller's to dispose.</returns>
    /// <exception cref="UserErrorException">A file can't be read as an image, or a feature is not finite.</exception>
    public Tensor Of(IReadOnlyList<string> files, Action<int, int>? advance = null) =>
        Of(
            new PredictionInputs([.. files.Select((path, i) => (Func<Sample>)(() => PredictionInput.File(i, path)))], _session.TrainedOn!),
            advance
        );

    /// <summary>Of the images of a data set.</summary>
    /// <param name="advance">Told images done, images in all.</param>
    /// <returns>[N, D], float32, on the CPU; the caller's to dispose.</returns>
    /// <exception cref="UserErrorException">An image can't be read, or a feature is not finite.</exception>
    public Tensor Of(Dataset dataset, Action<int, int>? advance = null)
    {
        using var evaluation = new InEvaluation(_session.Model, _session.Device.type);
        using var all = NewDisposeScope();
        using var mode = no_grad();
        using var loader = _session.Data.OpenEvaluationLoader(
            dataset,
            new LoaderOptions(BatchSize, OnBadSample: BadSample.Fail),
            _pipeline
        );
        var parts = new List<Tensor>();
        var done = 0;
        foreach (var loaded in loader.Epoch(0))
        {
            using var batch = loaded;
            using var scope = NewDisposeScope();
            _session.Place(batch);
            var features = ShapeMistake.Guard(_session.Model, batch, () => _model.Features(batch.Images));
            parts.Add(scope.MoveToOuter(features.to(ScalarType.Float32).cpu()));
            advance?.Invoke(done += batch.Count, dataset.Count);
        }
        var whole = cat([.. parts], 0);
        if (!whole.isfinite().all().item<bool>())
            throw new UserErrorException($"{_session.Name}: some features are not finite (NaN or infinity).");
        return whole.DetachFromDisposeScope();
    }

    public void Dispose() => _session.Dispose();
}
