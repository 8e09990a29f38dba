using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Tools.Output;

namespace Tessera.Tools.Evaluation;

/// <summary>A model with its weights, on the device, and the data that it is evaluated on.</summary>
/// <param name="order">Set where it was trained on the same classes in another order.</param>
internal sealed class EvaluatedModel(Session session, DataPart part, VisionModel model, ClassOrder? order, bool channelsLast) : IDisposable
{
    /// <summary>How a part is read: training data as the evaluation reads its own.</summary>
    public static LoaderOptions? LoaderOf(Session session, DataPart part) =>
        part != DataPart.Train ? session.Data.Evaluation(part).Loader : (session.Options.Val ?? session.Options.Test)?.Loader;

    private Dataset Dataset => session.Data[part];

    /// <param name="observe">Sees every prediction.</param>
    /// <param name="pipeline">In place of the data set's own.</param>
    /// <param name="pointsOnly">Metrics give no intervals.</param>
    /// <param name="what">What the progress is called.</param>
    public IReadOnlyDictionary<string, double> Run(
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe,
        IReadOnlyList<Transform>? pipeline = null,
        bool pointsOnly = false,
        string what = "evaluating"
    )
    {
        using var log = ToolConsole.Current.ShowLog();
        if (part == DataPart.Train)
            pipeline ??= PredictionPipeline.Build(session);
        var own = pipeline is null ? null : session.Data.OpenEvaluationLoader(Dataset, LoaderOf(session, part), pipeline);
        try
        {
            return Run(own ?? session.Data.Loader(part), metrics, observe, pointsOnly, what);
        }
        finally
        {
            own?.Dispose();
        }
    }

    private IReadOnlyDictionary<string, double> Run(
        IBatchLoader loader,
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe,
        bool pointsOnly,
        string what
    )
    {
        var evaluator = new Evaluator
        {
            Loader = loader,
            Metrics = metrics,
            Device = session.Device,
            Precision = session.Precision,
            ChannelsLast = channelsLast,
            PointsOnly = pointsOnly,
            Order = order,
            Observe = observe is null
                ? null
                : (predictions, samples) =>
                {
                    for (var i = 0; i < samples.Count; i++)
                        observe(samples[i], predictions[i]);
                },
            Advance = new Advance(what).Report,
        };
        var values = evaluator.Run(model);
        if (evaluator.NonFinite.Text is { } warning)
            ToolConsole.Current.Warning(warning);
        foreach (var (name, reason) in loader.Skipped)
            ToolConsole.Current.Note(SkippedSample.Line(name, reason));
        if (Evaluator.Coverage(values) is { } coverage)
            ToolConsole.Current.Warning(coverage);
        return values;
    }

    public void Dispose() => model.Dispose();
}
