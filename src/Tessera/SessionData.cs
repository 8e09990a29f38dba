using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;

namespace Tessera;

/// <summary>The data of a <see cref="Session"/>: data sets and loaders, made when they are first asked for and kept, and metrics.</summary>
public sealed class SessionData
{
    private readonly Session _session;
    private readonly DisposalStack _owned;
    private readonly Dictionary<DataPart, Dataset> _datasets = [];
    private readonly Dictionary<DataPart, IBatchLoader> _loaders = [];

    internal SessionData(Session session, DisposalStack owned) => (_session, _owned) = (session, owned);

    /// <summary>The data set of a part.</summary>
    /// <exception cref="UserErrorException">The config has no such part, or its data can't be used.</exception>
    public Dataset this[DataPart part]
    {
        get
        {
            if (!_datasets.TryGetValue(part, out var dataset))
            {
                var spec = SpecOf(part) ?? throw new UserErrorException($"{_session.Name}: it has no {NameOf(part)}.dataset.");
                dataset = spec.Build(_session.Services);
                if (part != DataPart.Train && dataset.SyntheticSource is { } source)
                    throw new UserErrorException(
                        $"{_session.Name}: {NameOf(part)}.dataset has images that a model made, as {source} says. What is measured with "
                            + "them says nothing of real images: train on them, and take real ones here."
                    );
                _datasets[part] = dataset;
            }
            return dataset;
        }
    }

    /// <summary>The first part that the config has.</summary>
    /// <exception cref="UserErrorException">It has none.</exception>
    public DataPart FirstPart =>
        Has(DataPart.Train) ? DataPart.Train
        : Has(DataPart.Val) ? DataPart.Val
        : Has(DataPart.Test) ? DataPart.Test
        : throw new UserErrorException($"{_session.Name}: it has neither train nor val nor test, so there is no data to look at.");

    /// <summary>The part to evaluate: test, or val where there is no test.</summary>
    /// <exception cref="UserErrorException">The config has neither.</exception>
    public DataPart EvaluatedPart =>
        Has(DataPart.Test) ? DataPart.Test
        : Has(DataPart.Val) ? DataPart.Val
        : throw new UserErrorException($"{_session.Name}: it has neither test nor val, so there is nothing to evaluate on.");

    /// <summary>Whether the config has this part.</summary>
    public bool Has(DataPart part) => SpecOf(part) is not null;

    /// <summary>A part's key in configs.</summary>
    public static string NameOf(DataPart part) => ConfigKey.NameOf(part.ToString());

    /// <summary>How a part is evaluated.</summary>
    /// <param name="part">Val or test.</param>
    /// <exception cref="UserErrorException">The config has no such part.</exception>
    public EvaluationOptions Evaluation(DataPart part)
    {
        var options = part switch
        {
            DataPart.Val => _session.Options.Val,
            DataPart.Test => _session.Options.Test,
            _ => throw new ArgumentException($"{part} is trained on, not evaluated.", nameof(part)),
        };
        return options ?? throw new UserErrorException($"{_session.Name}: it has no {NameOf(part)}.");
    }

    /// <summary>This process's batches of a part: to train on, or to evaluate.</summary>
    public IBatchLoader Loader(DataPart part)
    {
        if (!_loaders.TryGetValue(part, out var loader))
        {
            loader = part == DataPart.Train ? OpenTrainLoader(this[part]) : OpenEvaluationLoader(this[part], Evaluation(part).Loader);
            _loaders[part] = _owned.Add(loader);
        }
        return loader;
    }

    /// <summary>This process's batches to train on, of any data; the caller's to dispose.</summary>
    /// <param name="options">In place of <c>train.loader</c>.</param>
    public IBatchLoader OpenTrainLoader(Dataset dataset, LoaderOptions? options = null)
    {
        var transforms = (_session.Options.Train?.BatchTransforms ?? []).Select(spec => spec.Build(_session.Services, dataset.Info));
        return Open(dataset, options ?? _session.Options.Train?.Loader, training: true, [.. transforms]);
    }

    /// <summary>This process's batches to evaluate, of any data; the caller's to dispose.</summary>
    /// <param name="options">null: one image after another.</param>
    /// <param name="pipeline">In place of the data set's own.</param>
    public IBatchLoader OpenEvaluationLoader(Dataset dataset, LoaderOptions? options, IReadOnlyList<Transform>? pipeline = null) =>
        Open(dataset, options, training: false, [], pipeline);

    /// <summary>New metrics of a part, by the config's names.</summary>
    /// <param name="data">The classes; by default those of the part's data set.</param>
    public IReadOnlyDictionary<string, Metric> CreateMetrics(DataPart part, DataInfo? data = null) =>
        Evaluation(part).Metrics.BuildAll(_session.Services, data ?? this[part].Info);

    private ComponentSpec<Dataset>? SpecOf(DataPart part) =>
        part switch
        {
            DataPart.Train => _session.Options.Train?.Dataset,
            DataPart.Val => _session.Options.Val?.Dataset,
            _ => _session.Options.Test?.Dataset,
        };

    private IBatchLoader Open(
        Dataset dataset,
        LoaderOptions? options,
        bool training,
        IReadOnlyList<BatchTransform> transforms,
        IReadOnlyList<Transform>? pipeline = null
    )
    {
        options ??= new LoaderOptions();
        var together = training && _session.Options.Pipeline is not null; // all stages work on the same batches
        return _session
            .Services.GetRequiredService<IBatchLoaderFactory>()
            .Create(
                dataset,
                pipeline ?? dataset.Pipeline,
                options.Sampler?.Build(_session.Services),
                options,
                _session.Options.Seed,
                training,
                together ? 0 : _session.Group.Rank,
                together ? 1 : _session.Group.WorldSize,
                transforms
            );
    }
}
