using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Faithfulness;

namespace Tessera.Explaining;

/// <summary>
/// Says which places of an image speak for what a model makes of it. Images come to the model as they do in prediction; the model's mode,
/// its gradients and its parameters are as before. Not safe to call from several threads at once.
/// </summary>
/// <example><code>
/// using var explainer = ModelExplainer.Load("work_dirs/pets/best_accuracy_top1.safetensors");
/// var found = explainer.Explain("cat.jpg")[0];
/// Console.WriteLine($"{found.Target} {found.Score:0.00}, by {found.Layers[0].Name}");
/// using var picture = ExplanationPicture.Draw(found);
/// File.WriteAllBytes("cat.png", picture.EncodePng());
/// </code></example>
public sealed class ModelExplainer : IDisposable
{
    private readonly Session _session;
    private readonly bool _owned;
    private readonly IReadOnlyList<Transform> _pipeline;
    private readonly int _workers;
    private readonly KnownLayers _layers;
    private MeasuredMaps? _measured;

    private ModelExplainer(Session session, bool owned, int workers)
    {
        (_session, _owned, _workers) = (session, owned, workers);
        _pipeline = PredictionPipeline.Build(session);
        _layers = new KnownLayers(session.Model);
        Data = session.TrainedOn ?? session.Data[session.Data.FirstPart].Info;
        if (Model is not IExplainable)
            throw ExplainingErrors.NotExplainable(session.Name, Model);
    }

    /// <summary>The classes that the model was trained on.</summary>
    public DataInfo Data { get; }

    public VisionModel Model => _session.Model;

    private ComponentBuilder Components => _session.Services.GetRequiredService<ComponentBuilder>();

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, needs a plugin that <paramref name="options"/>
    /// doesn't name, or its model can't be explained.</exception>
    public static ModelExplainer Load(string checkpoint, ModelExplainerOptions? options = null)
    {
        options ??= new ModelExplainerOptions();
        var session = Session.OfCheckpoint(
            checkpoint,
            new SessionOptions
            {
                Device = options.Device,
                Overrides = options.Overrides,
                Plugins = options.Plugins,
                Averaged = options.Averaged,
                Note = options.Note,
            }
        );
        return session.HandOver(opened => new ModelExplainer(opened, owned: true, options.Workers));
    }

    /// <summary>Explains the model of a session, in training or not.</summary>
    /// <param name="session">Stays the caller's, and must outlive the explainer.</param>
    /// <param name="workers">Threads that read images ahead.</param>
    /// <exception cref="UserErrorException">The model can't be explained.</exception>
    public static ModelExplainer Of(Session session, int workers = 0) => new(session, owned: false, workers);

    /// <summary>The names of all methods, those of plugins included: "grad_cam".</summary>
    public IReadOnlyList<string> Methods => ActivationMethods.Names(Components.Registry);

    /// <summary>A method with its defaults, by its name.</summary>
    /// <exception cref="UserErrorException">There is no such method; the nearest is named.</exception>
    public ActivationMethod Method(string name) => ActivationMethods.Find(name, Components);

    /// <summary>The name that a method is found by: "grad_cam".</summary>
    public static string NameOf(ActivationMethod method) =>
        ConfigKey.NameOf(method.GetType().GetCustomAttribute<ComponentAttribute>()?.Name ?? method.GetType().Name);

    /// <summary>From now on all maps of classes are measured, too: see <see cref="Faithfulness"/>.</summary>
    /// <param name="options">How; where unset, the random control is as coarse as the explained layer's map.</param>
    /// <exception cref="UserErrorException">The model is no classifier.</exception>
    public void MeasureFaithfulness(FaithfulnessOptions? options = null) => _measured = new MeasuredMaps(Model, Data.Task, options);

    /// <summary>How truly the maps made so far show what the model decides by.</summary>
    /// <exception cref="UserErrorException">None was made since <see cref="MeasureFaithfulness"/>.</exception>
    public FaithfulnessTable Faithfulness() =>
        (_measured ?? throw new InvalidOperationException($"Call {nameof(MeasureFaithfulness)} first.")).Table;

    /// <summary>The first samples of a part of the config's data, with their labels.</summary>
    /// <exception cref="UserErrorException">The config has no such part, or its data can't be read here.</exception>
    public IReadOnlyList<ExplainedImage> Samples(DataPart part, int count)
    {
        var dataset = _session.Data[part];
        return [.. Enumerable.Range(0, Math.Min(count, dataset.Count)).Select(i => ExplainedImage.Of(dataset, i, Data))];
    }

    /// <summary>Explains an image file: one explanation for each target and method.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image, or it hasn't what is asked for.</exception>
    public IReadOnlyList<ImageExplanation> Explain(string path, ExplanationRequest? request = null) =>
        [.. Explain([ExplainedImage.File(path, Data)], request ?? new ExplanationRequest())];

    /// <summary>Explains an image in memory (RGB).</summary>
    /// <exception cref="UserErrorException">It hasn't what is asked for.</exception>
    public IReadOnlyList<ImageExplanation> Explain(Image image, ExplanationRequest? request = null) =>
        [.. Explain([ExplainedImage.InMemory(image)], request ?? new ExplanationRequest())];

    /// <summary>Explains many images: by image, then by target, then by method.</summary>
    /// <param name="leftOut">Told which image was left out, and why: it can't be read, or hasn't what is asked for. Where unset, such an
    /// image is an error.</param>
    /// <param name="unsuitable">Told which method can't explain the model, and why; its maps are then missing. Where unset, it is an
    /// error.</param>
    /// <param name="partly">Told of an image of which some, but not all, of what is asked for is found: labels without an object.</param>
    /// <exception cref="UserErrorException">No image can be explained as it is asked for.</exception>
    public IEnumerable<ImageExplanation> Explain(
        IReadOnlyList<ExplainedImage> images,
        ExplanationRequest request,
        Action<string, string>? leftOut = null,
        Action<ActivationMethod, string>? unsuitable = null,
        Action<string, string>? partly = null
    )
    {
        Check(request);
        var explained = new BatchExplainer(_session, Data, request, _layers, _measured);
        var samples = images.Select(
            (image, i) =>
                (Func<Sample>)(
                    () =>
                    {
                        var sample = image.Open();
                        sample.Index = i;
                        return sample;
                    }
                )
        );
        var options = new LoaderOptions(request.BatchSize, _workers, OnBadSample: leftOut is null ? BadSample.Fail : BadSample.Skip);
        using var loader = _session
            .Services.GetRequiredService<IBatchLoaderFactory>()
            .Create(new PredictionInputs([.. samples], Data), _pipeline, null, options, seed: 0, training: false);
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var batch in loader.Epoch(0))
        {
            foreach (var found in explained.Explain(batch, images, leftOut, unsuitable, partly))
                yield return found;
            Tell();
        }
        Tell();

        void Tell()
        {
            foreach (var (name, reason) in loader.Skipped)
                if (told.Add(name))
                    leftOut?.Invoke(name, reason);
        }
    }

    /// <summary>Looks at what needs no image: whether the model has the targets and layers that are asked for.</summary>
    /// <exception cref="UserErrorException">It hasn't.</exception>
    public void Check(ExplanationRequest request)
    {
        new ExplainedScores(Model, Data, request.Targets).Check();
        foreach (var name in request.Layers)
            if (Model.named_modules().All(entry => entry.name != name))
                throw ExplainingErrors.NoLayer(name, Model);
    }

    public void Dispose()
    {
        if (_owned)
            _session.Dispose();
    }
}
