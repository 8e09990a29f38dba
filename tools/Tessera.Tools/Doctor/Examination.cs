using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Doctor;

/// <summary>Everything that can be known to go wrong before the first epoch.</summary>
internal sealed class Examination : IDisposable
{
    private const int LabelsRead = 100_000;
    private const double ImbalanceWorthSaying = 20;

    private readonly ConfigDocument _document;
    private readonly ServiceProvider _services;
    private readonly RunBuilder _builder;
    private readonly Report _report;
    private PrecisionChoice _precision = null!;
    private Dataset? _train, _val;
    private VisionModel? _model;

    public Examination(ConfigDocument document, Report report)
    {
        (_document, _report) = (document, report);
        _services = Composition.Services(document, note => report.Note("plugin", note)).BuildServiceProvider();
        _builder = new RunBuilder(_services.GetRequiredService<ComponentBuilder>().Bind<RunOptions>(document), _services);
    }

    public RunOptions Options => _builder.Options;

    public RunBuilder Builder => _builder;

    public IServiceProvider Services => _services;

    public Device Device { get; private set; } = CPU;

    public bool ChannelsLast { get; private set; }

    /// <summary>Training data; null until found.</summary>
    public Dataset? Train => _train;

    public Dataset? Val => _val;

    /// <summary>Runs every check that the ones before it allow.</summary>
    public void Run()
    {
        _report.Check("config", () => $"{_document.Path}: {_document.Files.Count} files, every option known");
        if (!_report.Check("torch", Torch)) return;
        if (!_report.Check("data", Data)) return;
        var read = _report.Check("sample", ReadSamples);
        if (!_report.Check("model", Model) || !read) return;
        var trains = Options.Train is null || _report.Check("training", TrainOneBatch);
        if (trains && _val is not null) _report.Check("evaluation", EvaluateOneBatch);
        if (trains) _report.Check("saving", SaveAndReload);
    }

    public void Dispose()
    {
        _model?.Dispose();
        _services.Dispose();
    }

    private string Torch()
    {
        _builder.StartTensorLibrary();
        Device = DeviceChoice.Resolve(Options.Device);
        _precision = PrecisionChoice.Resolve(Options.Precision, Device.type);
        var facts = EnvironmentReport.Collect(Device, _precision, new SingleProcess(), Options.Seed, false).ToDictionary(fact => fact.Name, fact => fact.Value);
        if (facts.TryGetValue("BLAS", out var blas) && Device.type == DeviceType.CPU && !blas.Contains("openblas", StringComparison.OrdinalIgnoreCase) && !blas.Contains("mkl", StringComparison.OrdinalIgnoreCase))
            _report.Warn("BLAS", $"{blas}: the reference BLAS is more than ten times slower than OpenBLAS and MKL, which NuGet's libtorch brings.");
        if (Threads.Count < Processor.Cores && Device.type == DeviceType.CPU && Options.Threads == 0)
            _report.Warn("threads", $"{Threads.Count} of {Processor.Cores} cores are used.");
        return string.Join(", ", new[] { "provider", "libtorch", "BLAS", "threads", "device", "precision" }.Where(facts.ContainsKey).Select(name => $"{name} {facts[name]}"));
    }

    private string Data()
    {
        var said = new List<string>();
        if (Options.Train is { } train) said.Add(Describe("train", _train = _builder.Dataset(train.Dataset), train.Loader));
        if (Options.Val is { } val) said.Add(Describe("val", _val = _builder.Dataset(val.Dataset), val.Loader));
        if (Options.Test is { } test)
        {
            var data = _builder.Dataset(test.Dataset);
            said.Add(Describe("test", data, test.Loader));
            _val ??= data;
            if (_train is not null) RunBuilder.RequireSameClasses(_train, data, "test.dataset");
        }
        if (_train is not null && _val is not null && Options.Val is not null) RunBuilder.RequireSameClasses(_train, _val, "val.dataset");
        if (_train is null && _val is null) throw new UserErrorException("The config has neither train nor val nor test.");
        return string.Join("\n", said);
    }

    private string Describe(string part, Dataset data, LoaderOptions? loader)
    {
        RunBuilder.CheckData(data, $"{part}.dataset", loader, text => _report.Warn(part, text), text => _report.Note(part, text));
        var counts = new long[data.Info.Classes.Count];
        var labelled = 0;
        for (var i = 0; i < data.Count && i < LabelsRead; i++)
        {
            if (data.LabelsOf(i) is not { } labels) continue;
            labelled++;
            foreach (var label in labels)
            {
                if (label < 0 || label >= counts.Length) throw new UserErrorException($"{part}.dataset: {data.Get(i).Name} is labelled {label}; there are {counts.Length} classes, 0 to {counts.Length - 1}.");
                counts[label]++;
            }
        }
        var said = $"{part}: {data.Count} samples, {data.Info.Classes.Count} classes ({string.Join(", ", data.Info.Classes.Take(8))}{(data.Info.Classes.Count > 8 ? ", …" : "")})";
        if (labelled == 0) return said;
        if (labelled == data.Count && Array.FindIndex(counts, count => count == 0) is >= 0 and var empty)
            _report.Warn(part, $"{counts.Count(count => count == 0)} classes have no sample; the first is {data.Info.Classes[empty]}.");
        var (least, most) = (counts.Where(count => count > 0).Min(), counts.Max());
        if (most >= least * ImbalanceWorthSaying)
            _report.Warn(part, $"{data.Info.Classes[Array.IndexOf(counts, most)]} is {most / least} times as frequent as {data.Info.Classes[Array.IndexOf(counts, least)]}: consider ClassBalancedSampler, class weights, or macro averages.");
        return said + (least == most ? $", {most} each" : $", {least} to {most} each");
    }

    private string ReadSamples()
    {
        var said = new List<string>();
        if (_train is not null) said.Add("train " + ReadSome(_builder.TrainLoader(_train, Options.Train! with { Loader = Small(Options.Train!.Loader) }, new SingleProcess()), "train"));
        if (_val is not null) said.Add("val " + ReadSome(_builder.EvaluationLoader(_val, Evaluation with { Loader = Small(Evaluation.Loader) }, new SingleProcess()), "val"));
        return string.Join("\n", said);
    }

    private string ReadSome(IBatchLoader owned, string part)
    {
        using var loader = owned;
        using var scope = NewDisposeScope();
        using var batch = loader.Epoch(0).First();
        var images = batch.Images;
        double low = images.min().ToDouble(), high = images.max().ToDouble(), mean = images.mean().ToDouble(), spread = images.std().ToDouble();
        if (!double.IsFinite(mean)) throw new UserErrorException($"{part}: {batch.Samples[0].Name} has values that are not finite.");
        if (high > 50) _report.Warn(part, $"pixel values reach {high:0}: is a Normalize step missing from {part}.dataset.pipeline?");
        if (spread < 1e-6) _report.Warn(part, "every pixel of the first samples has the same value.");
        return string.Create(CultureInfo.InvariantCulture, $"[{string.Join(" x ", images.shape)}], values {low:0.00} to {high:0.00}, mean {mean:0.00}, deviation {spread:0.00}: {batch.Samples[0].Name} …");
    }

    private string Model()
    {
        manual_seed(Options.Seed);
        _model = _builder.InitializedModel((_train ?? _val)!.Info);
        _model.to(Device);
        ChannelsLast = _builder.ChannelsLast(_model, Device, _precision);
        if (ChannelsLast) _model.ToChannelsLast();
        var parameters = _model.parameters().Sum(parameter => parameter.numel());
        return string.Create(CultureInfo.InvariantCulture, $"{_model.GetName()}, {parameters / 1e6:0.00} M parameters{(ChannelsLast ? ", channels last" : "")}");
    }

    /// <summary>A batch of the config's size forward and backward: losses finite, near what guessing gives, and a gradient everywhere.</summary>
    private string TrainOneBatch()
    {
        using var loader = _builder.TrainLoader(_train!, Options.Train!, new SingleProcess());
        using var scope = NewDisposeScope();
        using var batch = loader.Epoch(0).First();
        Prepare(batch);
        _model!.train();
        LossMap losses;
        var watch = Stopwatch.StartNew();
        using (_precision.Enter(Device.type)) losses = _model.Loss(batch, new Progress(0, 1, 0, 1));
        using var total = losses.Total();
        total.backward();
        var first = watch.Elapsed;

        foreach (var (name, loss) in losses)
            if (!double.IsFinite(loss.ToDouble())) throw new UserErrorException($"the loss \"{name}\" is {loss.ToDouble()} on the first batch ({batch.Samples[0].Name} …). precision=fp32 tells whether the precision is to blame.");
        LastBatch.Judge(_model, _train!, loader, Options.Train!, _report);
        var gradients = Gradients();
        var guess = Math.Log(_train!.Info.Classes.Count);
        var value = total.ToDouble();
        if (_train.Info.Task == DataTask.Classification && losses.Count == 1 && value > 3 * guess)
            _report.Warn("training", string.Create(CultureInfo.InvariantCulture, $"the first loss is {value:0.00}; a model that guesses has ln({_train.Info.Classes.Count}) = {guess:0.00}. Are the initial weights or the normalisation wrong?"));

        _model.zero_grad();
        watch.Restart();
        using (_precision.Enter(Device.type)) losses = _model.Loss(batch, new Progress(0, 1, 0, 1));
        losses.Total().backward();
        var second = watch.Elapsed;
        _model.zero_grad();
        var epoch = second * loader.BatchesPerEpoch;
        return string.Create(CultureInfo.InvariantCulture,
            $"batch of {batch.Count}: {string.Join(", ", losses.Select(loss => $"{loss.Key} {loss.Value.ToDouble():0.000}"))}; {gradients}; {second.TotalSeconds:0.00} s forward and backward (the first {first.TotalSeconds:0.00}), so an epoch of {loader.BatchesPerEpoch} batches takes about {Time(epoch)}");
    }

    private string Gradients()
    {
        var missing = _model!.named_parameters().Where(entry => entry.parameter.requires_grad && entry.parameter.grad is null).Select(entry => entry.name).ToArray();
        if (missing.Length > 0) _report.Warn("training", $"{missing.Length} parameters get no gradient: {Some(missing)}. Freeze them, or find out why nothing depends on them.");
        var broken = _model.named_parameters().Where(entry => entry.parameter.grad is { } grad && !grad.isfinite().all().ToBoolean()).Select(entry => entry.name).ToArray();
        if (broken.Length > 0) throw new UserErrorException($"the gradients of {broken.Length} parameters are not finite: {Some(broken)}.");
        return missing.Length == 0 ? "a gradient in every parameter" : $"no gradient in {missing.Length} parameters";
    }

    private string EvaluateOneBatch()
    {
        var metrics = _builder.Metrics(Evaluation, _val!.Info);
        using var loader = _builder.EvaluationLoader(_val, Evaluation with { Loader = Small(Evaluation.Loader) }, new SingleProcess());
        using var scope = NewDisposeScope();
        using var batch = loader.Epoch(0).First();
        Prepare(batch);
        _model!.eval();
        using (no_grad())
        {
            var predictions = _model.Predict(batch);
            foreach (var metric in metrics.Values)
            {
                metric.Reset(_val.Info);
                metric.Process(predictions, batch.Samples);
            }
        }
        var names = metrics.Values.SelectMany(metric => metric.Compute().Keys).ToArray();
        if (names.Length == 0 && metrics.Count == 0) _report.Warn("evaluation", "val.metrics is empty: nothing will be measured.");
        RequireMetrics(names);
        return $"{batch.Count} samples predicted; metrics: {string.Join(", ", names)}";
    }

    /// <summary>A hook that waits for a metric that never comes would say so only after the first epoch.</summary>
    private void RequireMetrics(string[] names)
    {
        foreach (var path in (Options.Hooks ?? new Dictionary<string, ComponentSpec<Framework.Hooks.Hook>?>()).Where(hook => hook.Value is not null).SelectMany(hook => new[] { $"hooks.{hook.Key}.save_best.metric", $"hooks.{hook.Key}.metric" }))
        {
            if (_document.Find(path) is not ConfigValue { Kind: ConfigValueKind.String, Text: var wanted } node || names.Contains(wanted)) continue;
            var near = NearestName.Find(wanted, names);
            throw new UserErrorException($"{node.Source}  {path}\n  No metric gives \"{wanted}\".{(near is null ? "" : $" Did you mean \"{near}\"?")} There are: {string.Join(", ", names)}.");
        }
    }

    private string SaveAndReload()
    {
        var folder = Directory.CreateTempSubdirectory("tessera-doctor").FullName;
        try
        {
            var data = (_train ?? _val)!.Info;
            var state = new StateWriter();
            foreach (var (name, tensor) in _model!.state_dict()) state.Under(CheckpointParts.Model).Write(name, tensor);
            var path = new CheckpointStore(folder).Save("doctor", state, new CheckpointInfo
            {
                Config = JsonNode.Parse(_document.SaveText())!.AsObject(),
                Data = data,
                Epoch = 0,
                Iteration = 0,
            });
            using var checkpoint = Checkpoint.Open(path);
            using var again = _builder.Model(data);
            checkpoint.LoadModel(again);
            again.to(Device);
            var before = _model.state_dict();
            foreach (var (name, tensor) in again.state_dict())
                if (!tensor.eq(before[name]).all().ToBoolean()) throw new UserErrorException($"{name} is another after saving and loading.");

            var size = new FileInfo(path).Length;
            var workDir = Path.GetFullPath(Options.WorkDir ?? "work_dirs");
            var free = new DriveInfo(Existing(workDir)).AvailableFreeSpace;
            var need = size * 3 * 5; // weights and two moments of the optimizer; a few checkpoints side by side
            if (free < need) _report.Warn("saving", $"{free >> 20} MiB are free where the run writes; a handful of checkpoints takes {need >> 20} MiB.");
            return $"{before.Count} tensors, {size / 1024.0 / 1024.0:0.0} MiB, the same after loading; {free >> 30} GiB free";
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public void Prepare(Batch batch)
    {
        batch.To(Device);
        if (ChannelsLast) batch.ToChannelsLast();
    }

    private EvaluationOptions Evaluation => (Options.Val ?? Options.Test)!;

    private static LoaderOptions Small(LoaderOptions? loader) => (loader ?? new LoaderOptions()) with { BatchSize = 4, Workers = 0, DropLast = false };

    private static string Existing(string folder)
    {
        while (!Directory.Exists(folder)) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    private static string Some(string[] names) => string.Join(", ", names.Take(3)) + (names.Length > 3 ? ", …" : "");

    private static string Time(TimeSpan time) => time.TotalMinutes < 2 ? $"{time.TotalSeconds:0} s" : time.TotalHours < 2 ? $"{time.TotalMinutes:0} minutes" : $"{time.TotalHours:0.0} hours";
}
