using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>Sends every sample of a data set through a network once and writes what its last layer would have read.</summary>
public static class FeatureExtraction
{
    /// <summary>Runs, and writes a <see cref="FeatureFile"/>.</summary>
    /// <param name="session">Of a config: its model, its data, and the steps of its evaluation, without augmentation.</param>
    /// <param name="part">Whose samples.</param>
    /// <param name="checkpoint">The weights; what its head was trained for doesn't matter.</param>
    /// <param name="weights">How the file of weights is read.</param>
    /// <param name="type">What is stored: float32, or float16 for half the size.</param>
    /// <param name="output">The file; its folder exists.</param>
    /// <param name="advance">Told samples done, samples in all.</param>
    /// <returns>Samples, and numbers of each.</returns>
    /// <exception cref="UserErrorException">Model, weights or data can't be used, or a feature is not finite.</exception>
    public static (int Count, int Width) Run(
        Session session,
        DataPart part,
        string checkpoint,
        PretrainedOptions weights,
        ScalarType type,
        string output,
        Action<int, int>? advance = null
    )
    {
        var dataset = session.Data[part];
        if (dataset.Info.Task is DataTask.Segmentation or DataTask.Detection)
            throw new UserErrorException($"Features are one vector an image; the data is for {TaskNames.Of(dataset.Info.Task)}.");
        using var model = session.CreateModel(dataset.Info);
        FeatureModel.Load(model, checkpoint, weights, dataset.Info);
        var info = new FeatureInfo
        {
            Part = SessionData.NameOf(part),
            Task = dataset.Info.Task,
            Classes = dataset.Info.Classes,
            Checkpoint = Path.GetFileName(checkpoint),
            WeightsHash = FeatureModel.HashOf(model),
            FileHash = Checkpoint.IsCheckpoint(checkpoint) ? null : FeatureHashes.OfFile(checkpoint),
            Transform = TransformOf(session.Document),
            DataHash = FeatureHashes.OfData(dataset),
            Config = session.Document.SaveText(),
        };
        model.eval();
        var channelsLast = session.Place(model);
        using var rows = new FeatureRows(dataset, type);
        using (var loader = Loader(session, part, dataset))
            foreach (var loaded in loader.Epoch(0))
            {
                using var batch = loaded;
                using var scope = NewDisposeScope();
                using var mode = no_grad();
                batch.To(session.Device);
                if (channelsLast)
                    batch.ToChannelsLast();
                using var autocast = session.Precision.Enter(session.Device.type);
                rows.Add(batch, ShapeMistake.Guard(model, batch, () => FeatureModel.Of(model).Features(batch.Images)));
                advance?.Invoke(rows.Count, dataset.Count);
            }
        rows.WriteTo(output, info);
        return (rows.Count, rows.Width);
    }

    /// <summary>The steps by which images become a model's input when it is used, as JSON.</summary>
    internal static string TransformOf(ConfigDocument document) =>
        new[] { "test", "val", "train" }
            .Select(part => document.Find($"{part}.dataset.pipeline"))
            .OfType<ConfigList>()
            .FirstOrDefault()
            ?.ToString()
        ?? "";

    private static IBatchLoader Loader(Session session, DataPart part, Dataset dataset)
    {
        var options =
            (part == DataPart.Test ? session.Options.Test?.Loader : null)
            ?? session.Options.Val?.Loader
            ?? session.Options.Train?.Loader
            ?? new LoaderOptions(16);
        return session
            .Services.GetRequiredService<IBatchLoaderFactory>()
            .Create(
                dataset,
                PredictionPipeline.Build(session),
                null,
                options with
                {
                    DropLast = false,
                    OnBadSample = BadSample.Fail,
                },
                session.Options.Seed,
                training: false
            );
    }
}
