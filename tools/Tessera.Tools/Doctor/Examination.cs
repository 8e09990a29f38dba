using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Tools.Output;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Doctor;

/// <summary>Everything that can be known to go wrong before the first epoch.</summary>
internal sealed class Examination : IDisposable
{
    private readonly Report _report;
    private Dataset? _train,
        _val;

    public Examination(string config, SessionOptions options, Report report)
    {
        _report = report;
        Session = Session.Open(config, options with { Note = note => report.Note("plugin", note) });
    }

    public Session Session { get; }

    private RunOptions Options => Session.Options;

    /// <summary>Training data; null until found.</summary>
    public Dataset? Train => _train;

    public Dataset? Val => _val;

    /// <summary>Runs every check that the ones before it allow.</summary>
    public void Run()
    {
        _report.Check("config", () => $"{Session.Document.Path}: {Counted.Of(Session.Document.Files.Count, "file")}, every option known");
        foreach (var option in InheritedOptions.Find(Session.Services.GetRequiredService<ComponentRegistry>(), Session.Document))
            _report.Warn("config", option);
        if (!_report.Check("torch", Torch))
            return;
        var found = Data();
        if (_train is null && _val is null)
            return;
        var (trainRead, valRead) = (Read(_train, "train"), Read(_val, Options.Val is null ? "test" : "val"));
        if (!_report.Check("model", Model))
            return;
        if (_train is { } train)
            found &=
                _report.Try("data", () => DataChecks.RequireChoice(train, Session.Model))
                & _report.Try("data", () => DataChecks.RequirePlaces(train, Session.Model, text => _report.Warn("data", text)));
        var steps = _train is null || Options.Optimizer is null || _report.Check("optimizer", Optimizer);
        var trains = _train is null || (steps && trainRead && _report.Check("training", () => new TrainingCheck(this, _report).Run()));
        if (trains && valRead && _val is not null)
            _report.Check("evaluation", EvaluateOneBatch);
        if (trains && found)
            _report.Check("saving", SaveAndReload);
    }

    public void Dispose() => Session.Dispose();

    private string Torch()
    {
        var device = Session.Device;
        var facts = EnvironmentReport
            .Collect(device, Session.Precision, new SingleProcess(), Options.Seed, false)
            .ToDictionary(fact => fact.Name, fact => fact.Value);
        if (
            facts.TryGetValue("BLAS", out var blas)
            && device.type == DeviceType.CPU
            && !blas.Contains("openblas", StringComparison.OrdinalIgnoreCase)
            && !blas.Contains("mkl", StringComparison.OrdinalIgnoreCase)
            && !blas.Contains("Math Kernel Library", StringComparison.OrdinalIgnoreCase)
        )
            _report.Warn(
                "BLAS",
                $"{blas}: the reference BLAS is more than ten times slower than OpenBLAS and MKL, which NuGet's libtorch brings."
            );
        if (Threads.Count < Processor.Cores && device.type == DeviceType.CPU && Options.Threads == 0)
            _report.Warn("threads", $"{Threads.Count} of {Processor.Cores} cores are used.");
        return string.Join(
            ", ",
            new[] { "provider", "libtorch", "BLAS", "threads", "device", "precision" }
                .Where(facts.ContainsKey)
                .Select(name => $"{name} {facts[name]}")
        );
    }

    /// <summary>Every part by itself, so that one run tells of the faults of all.</summary>
    private bool Data()
    {
        if (Options.Train is null && Options.Val is null && Options.Test is null)
            return _report.Check("data", () => throw new UserErrorException("The config has neither train nor val nor test."));
        var judgement = new DataCheck(Session, _report);
        var good = true;
        if (Options.Train is { } train)
            good &= judgement.Run(DataPart.Train, train.Loader, out _train);
        if (Options.Val is { } val)
            good &= judgement.Run(DataPart.Val, val.Loader, out _val);
        Dataset? test = null;
        if (Options.Test is { } tested)
            good &= judgement.Run(DataPart.Test, tested.Loader, out test);
        good &= SameClasses("val", ref _val) & SameClasses("test", ref test);
        if (Options.Val is null)
            _val = test;
        return good;
    }

    /// <summary>Data with other classes is looked at no further.</summary>
    private bool SameClasses(string part, ref Dataset? data)
    {
        if (_train is not { } trained || data is not { } other)
            return true;
        if (_report.Try("data", () => DataChecks.RequireSameClasses(trained, other, $"{part}.dataset")))
            return _report.Try(
                "data",
                () => DataChecks.RequireOtherTruth(trained, other, $"{part}.dataset", text => _report.Warn("data", text))
            );
        data = null;
        return false;
    }

    private bool Read(Dataset? data, string part)
    {
        if (data is null)
            return true;
        var reading = new SampleCheck(_report);
        return _report.Check(
            "sample",
            () =>
                part == "train"
                    ? reading.Run(part, small => Session.Data.OpenTrainLoader(data, small ? Small(Options.Train!.Loader) : null))
                    : reading.Run(
                        part,
                        small => Session.Data.OpenEvaluationLoader(data, small ? Small(Evaluation.Loader) : Evaluation.Loader)
                    )
        );
    }

    private string Model()
    {
        if (_train is not null)
        {
            ClassWeighting.Fill(Session, null, text => _report.Note("class weights", text), text => _report.Warn("class weights", text));
            TargetStandardization.Fill(Session, null, text => _report.Note("targets", text), text => _report.Warn("targets", text));
        }
        manual_seed(Options.Seed);
        var model = Session.MakeModel((_train ?? _val)!.Info);
        var parameters = model.parameters().Sum(parameter => parameter.numel());
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{model.GetName()}, {parameters / 1e6:0.00} M parameters{(Session.ChannelsLast ? ", channels last" : "")}"
        );
    }

    /// <summary>Everything that a run builds beside the model: what is frozen, how parameters are grouped, the schedule, the
    /// hooks.</summary>
    private string Optimizer()
    {
        var factories = Options.Optimizer!.BuildAll(Session.Services);
        OptimizerSet.Require(Session.Model, [.. factories.Keys]);
        var frozen = new Tuning(Session.Model, Options.Train!.Tuned(), Options.Train.Freeze ?? []).Frozen;
        ParameterGroups.Norms(Session.Model, Options.Train.NormEval ?? []);
        var specs = Options.Optimizer!.Single is { } single ? [single] : Options.Optimizer.Named.Values.ToArray();
        var groups = factories.Values.Sum(factory => ParameterGroups.Split(Session.Model, factory).Count);
        foreach (var phase in Options.Schedule ?? [])
            phase.Build(Session.Services);
        foreach (var penalty in (Options.Train.Penalties ?? new Dictionary<string, ComponentSpec<Penalty>?>()).Values)
            penalty?.Build(Session.Services).Select(Session.Model);
        return $"{string.Join(", ", specs.Select(spec => spec.TypeName))}: {groups} {(groups == 1 ? "group" : "groups")} of "
            + $"parameters, {frozen.Count} parameters frozen";
    }

    private string EvaluateOneBatch()
    {
        var (model, info) = (Session.Model, _val!.Info);
        var metrics = Evaluation.Metrics.BuildAll(Session.Services, info);
        using var loader = Session.Data.OpenEvaluationLoader(_val, Small(Evaluation.Loader));
        using var scope = NewDisposeScope();
        using var batch = SampleCheck.First(loader, Options.Val is null ? "test" : "val");
        Session.Place(batch);
        model.eval();
        using (no_grad())
        {
            var predictions = ShapeMistake.Guard(model, batch, () => model.Predict(batch));
            foreach (var metric in metrics.Values)
            {
                metric.Reset(info);
                metric.Process(predictions, batch.Samples);
            }
        }
        var names = metrics.Values.SelectMany(metric => metric.Compute().Keys).ToArray();
        if (names.Length == 0 && metrics.Count == 0)
            _report.Warn("evaluation", "val.metrics is empty: nothing will be measured.");
        var hooks = Options.Hooks.BuildAll(Session.Services, info);
        var schedule = (Options.Schedule ?? []).Select(spec => spec.Build(Session.Services)).ToArray();
        new FollowedMetrics(hooks, schedule).Tell(metrics.Values, info);
        return $"{batch.Count} samples predicted; metrics: {string.Join(", ", names)}";
    }

    private string SaveAndReload()
    {
        var folder = Directory.CreateTempSubdirectory("tessera-doctor").FullName;
        try
        {
            var (model, data) = (Session.Model, (_train ?? _val)!.Info);
            var state = new StateWriter();
            foreach (var (name, tensor) in model.state_dict())
                state.Under(CheckpointParts.Model).Write(name, tensor);
            var path = new CheckpointStore(folder).Save(
                "doctor",
                state,
                new CheckpointInfo
                {
                    Config = Session.Document.ForSaving(),
                    Data = data,
                    Epoch = 0,
                    Iteration = 0,
                }
            );
            using var checkpoint = Checkpoint.Open(path);
            using var again = Session.CreateModel(data);
            checkpoint.LoadModel(again);
            again.to(Session.Device);
            var before = model.state_dict();
            foreach (var (name, tensor) in again.state_dict())
                if (!tensor.eq(before[name]).all().ToBoolean())
                    throw new UserErrorException($"{name} is another after saving and loading.");

            var size = new FileInfo(path).Length;
            var workDir = Path.GetFullPath(Options.WorkDir ?? "work_dirs");
            var free = new DriveInfo(Existing(workDir)).AvailableFreeSpace;
            var need = size * 3 * 5; // weights and two moments of the optimizer; a few checkpoints side by side
            if (free < need)
                _report.Warn("saving", $"{free >> 20} MiB are free where the run writes; a handful of checkpoints takes {need >> 20} MiB.");
            return $"{before.Count} tensors, {size / 1024.0 / 1024.0:0.0} MiB, the same after loading; {free >> 30} GiB free";
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private EvaluationOptions Evaluation => (Options.Val ?? Options.Test)!;

    private static LoaderOptions Small(LoaderOptions? loader) =>
        (loader ?? new LoaderOptions()) with
        {
            BatchSize = 4,
            Workers = 0,
            DropLast = false,
        };

    private static string Existing(string folder)
    {
        while (!Directory.Exists(folder))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
