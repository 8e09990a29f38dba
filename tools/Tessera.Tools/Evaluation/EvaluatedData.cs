using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Predictions;
using Tessera.Tools.Output;

namespace Tessera.Tools.Evaluation;

/// <summary>A config's data to evaluate on (test, or val where there is no test), and what a checkpoint or stored predictions say of
/// it.</summary>
internal sealed class EvaluatedData : IDisposable
{
    private readonly Session _session;
    private readonly DataPart _part;

    private EvaluatedData(Session session, DataPart? part)
    {
        (_session, _part) = (session, part ?? session.Data.EvaluatedPart);
        var loader = EvaluatedModel.LoaderOf(session, _part);
        DataChecks.Check(Dataset, $"{Part}.dataset", loader, ToolConsole.Current.Warning, ToolConsole.Current.Note);
    }

    /// <param name="source">What will be evaluated, where it is known: options that the config leaves out are a checkpoint's own.</param>
    /// <param name="part">In place of the part that a file of predictions is of, or of test, or of val where there is no test; train is
    /// read by the steps of the evaluation.</param>
    public static EvaluatedData Open(string config, SessionOptions options, string? source = null, DataPart? part = null)
    {
        var session = Session.Open(
            config,
            options with
            {
                Weights = source is null || StoredPredictions.Are(source) ? null : source,
                Note = ToolConsole.Current.Note,
            }
        );
        try
        {
            return new EvaluatedData(session, part ?? (source is null ? null : StoredPredictions.PartOf(source)));
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The config, in a few signs: equal for two where all of it is the same.</summary>
    public string ConfigHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_session.Document.SaveText())))[..16];

    /// <summary>test or val, or what was asked for.</summary>
    public string Part => SessionData.NameOf(_part);

    public Dataset Dataset => _session.Data[_part];

    /// <summary>The config's metrics.</summary>
    public IReadOnlyDictionary<string, Metric> Metrics() => _session.Data.CreateMetrics(_part);

    /// <summary>The sample with what it is measured by, in its own size; its image unread.</summary>
    public Sample Truth(int index)
    {
        var sample = Dataset.Get(index);
        foreach (var step in Dataset.Pipeline)
            if (step.ReadsTruth)
                sample = step.Apply(sample, new RandomSource(0));
        return sample;
    }

    /// <summary>The config's folder of data, which images are named below; null where it has none.</summary>
    public string? DataRoot => _session.Options.DataRoot;

    /// <summary>What stores the predictions of a checkpoint in a work dir.</summary>
    /// <param name="workDir">null: the checkpoint's folder; of weights from elsewhere the config's work dir.</param>
    /// <exception cref="UserErrorException">Nothing can be written into the work dir that was named.</exception>
    public PredictionRecorder Recorder(string checkpoint, string? workDir)
    {
        var header = new PredictionHeader(Part, Dataset.Info, checkpoint);
        var folder =
            workDir
            ?? (
                File.Exists(checkpoint) && Checkpoint.IsCheckpoint(checkpoint)
                    ? Path.GetDirectoryName(Path.GetFullPath(checkpoint))!
                    : _session.Options.WorkDir ?? Path.Combine("work_dirs", Path.GetFileNameWithoutExtension(_session.Name))
            );
        var recorder = new PredictionRecorder(() => PredictionFileWriter.Create(folder, header, DataRoot), ToolConsole.Current.Warning);
        return workDir is null ? recorder : recorder.Open();
    }

    /// <param name="observe">Sees every prediction.</param>
    public IReadOnlyDictionary<string, double> Run(
        string source,
        PretrainedOptions weights,
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe
    )
    {
        if (!StoredPredictions.Are(source))
            return OfCheckpoint(source, weights, metrics, observe);
        WeightArguments.RequireNone(weights, source, "a file of predictions", classes: true);
        return OfStored(source, metrics, observe);
    }

    public IReadOnlyDictionary<string, double> OfStored(
        string path,
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe
    )
    {
        foreach (var metric in metrics.Values)
            metric.Reset(Dataset.Info);
        var predictions = StoredPredictions.Open(path, Dataset, Part, DataRoot);
        var measured = 0;
        var nonFinite = new NonFinitePredictions();
        var advance = new Advance("evaluating");
        for (var i = 0; i < Dataset.Count; i++)
        {
            if (!predictions.Has(i))
                continue; // its file could not be read when the others were predicted, and maybe can't be now
            var sample = Truth(i);
            if (predictions.Of(sample) is not { } prediction)
                continue;
            measured++;
            nonFinite.See([prediction], [sample]);
            foreach (var metric in metrics.Values)
                metric.Process([prediction], [sample]);
            observe?.Invoke(sample, prediction);
            advance.Report(i + 1, Dataset.Count);
        }
        if (nonFinite.Text is { } warning)
            ToolConsole.Current.Warning(warning);
        var values = Evaluator.WithCoverage(nonFinite.Judge(Evaluator.Values(metrics)), measured, Dataset);
        if (Evaluator.Coverage(values) is { } coverage)
            ToolConsole.Current.Warning(coverage);
        return values;
    }

    public IReadOnlyDictionary<string, double> OfCheckpoint(
        string checkpoint,
        PretrainedOptions weights,
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe
    )
    {
        using var model = Load(checkpoint, weights);
        return model.Run(metrics, observe);
    }

    /// <summary>A checkpoint, or published weights, ready to be evaluated on the data, once or several times.</summary>
    public EvaluatedModel Load(string checkpoint, PretrainedOptions weights)
    {
        using var log = ToolConsole.Current.ShowLog();
        var (on, chosen) = (_session.Device, _session.Precision);
        var (trainedOn, order) = weights.MatchClasses == ClassMatch.InOrder ? (Dataset.Info, null) : Classes(checkpoint, Dataset.Info);
        var model = ModelFor(_session, checkpoint, trainedOn);
        try
        {
            LoadWeights(model, checkpoint, trainedOn, weights, _session.Document);
            var channelsLast = _session.Place(model);
            ToolConsole.Current.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Counted.Of(Dataset.Count, "sample")} of {Counted.Of(Dataset.Info.Classes.Count, "class", "classes")}, "
                        + $"{chosen.Reason}, on {on}"
                )
            );
            return new EvaluatedModel(_session, _part, model, order, channelsLast);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>A model to load weights into.</summary>
    internal static VisionModel ModelFor(Session session, string path, DataInfo data)
    {
        if (!Checkpoint.IsCheckpoint(path))
            return session.CreateModel(data);
        using var checkpoint = Checkpoint.Open(path);
        return session.CreateModel(checkpoint.Info, path, data);
    }

    /// <summary>Fills a model with a checkpoint's or with published weights.</summary>
    internal static void LoadWeights(VisionModel model, string path, DataInfo data, PretrainedOptions weights, ConfigDocument document)
    {
        if (!Checkpoint.IsCheckpoint(path))
        {
            ForeignWeights.LoadWhole(model, path, data, weights with { Checkpoint = path });
            return;
        }
        WeightArguments.RequireNone(weights, path, "a checkpoint of Tessera's", classes: false);
        using var checkpoint = Checkpoint.Open(path);
        checkpoint.RequireClasses(data, byName: weights.MatchClasses == ClassMatch.ByName);
        checkpoint.LoadModel(model, weights.Weights == WeightChoice.Averaged, document);
        var which = weights.Weights == WeightChoice.Averaged && checkpoint.HasAveraged ? ", averaged weights" : "";
        ToolConsole.Current.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: epoch {checkpoint.Info.Epoch}, iteration {checkpoint.Info.Iteration}{which}"
            )
        );
    }

    /// <summary>The classes to build the model for: the checkpoint's, where they are the data's in another order.</summary>
    private static (DataInfo Model, ClassOrder? Order) Classes(string path, DataInfo data)
    {
        if (!Checkpoint.IsCheckpoint(path))
            return (data, null);
        using var checkpoint = Checkpoint.Open(path);
        if (ClassOrder.Between(checkpoint.Info.Data, data) is not { } order)
            return (data, null);
        ToolConsole.Current.Note("The data names the checkpoint's classes in another order; predictions are brought into the data's.");
        return (checkpoint.Info.Data, order);
    }

    public void Dispose() => _session.Dispose();
}
