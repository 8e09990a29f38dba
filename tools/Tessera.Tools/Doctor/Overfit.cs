using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Doctor;

/// <summary>
/// Can the model learn a few samples by heart? It should, in minutes, at a constant learning rate and without
/// augmentation. If it can't, says where it stops: which learning rate would do, which part has no gradient, which samples
/// contradict each other.
/// </summary>
internal sealed class Overfit(Examination examination, Report report, int count, TimeSpan limit)
{
    private const double Learned = 0.05; // of the first loss
    private const int LongestRun = 2000;

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public void Run()
    {
        var train = examination.Train ?? throw new UserErrorException("--overfit: the config has no train section.");
        if (examination.Session.Options.Optimizer is not { } optimizer)
            throw new UserErrorException("--overfit: the config has no optimizer.");
        var pipeline = (examination.Val ?? train).Pipeline; // evaluation's: no augmentation
        var few = new FirstSamples(train, count, pipeline);
        Contradictions(few, pipeline);

        foreach (var factor in new[] { 1.0, 0.1, 10.0 })
        {
            var outcome = Try(few, optimizer, factor);
            if (outcome.Learned)
            {
                if (factor == 1)
                    report.Check("overfit", () => outcome.Text);
                else
                    report.Warn(
                        "overfit",
                        $"not at the config's learning rate, but at {(factor < 1 ? "a tenth" : "ten times")} of it: {outcome.Text}"
                    );
                return;
            }
            report.Note("overfit", outcome.Text);
            if (_watch.Elapsed > limit)
                break;
        }
        report.Check(
            "overfit",
            () =>
                throw new UserErrorException(
                    $"the model did not learn {few.Count} samples by heart within {limit.TotalMinutes:0.#} minutes. Look at the parts "
                        + $"whose gradients are far smaller than the others' above, at the labels, and at model size; "
                        + $"--overfit-minutes gives it longer."
                )
        );
    }

    private (bool Learned, string Text) Try(FirstSamples few, OneOrNamed<ComponentSpec<OptimizerFactory>> specs, double factor)
    {
        var options = examination.Session.Options;
        manual_seed(options.Seed);
        using var model = examination.Session.CreateInitializedModel(few.Info);
        model.to(examination.Session.Device);
        ParameterGroups.Freeze(model, options.Train!.Freeze ?? []);
        var optimizers = (specs.Single is { } single ? [single] : specs.Named.Values.ToArray())
            .Select(spec => spec.Build(examination.Session.Services))
            .Select(factory => factory.Create(ParameterGroups.Split(model, factory)))
            .ToArray();
        foreach (var optimizer in optimizers)
        foreach (var group in optimizer.ParamGroups)
            group.LearningRate *= factor;
        var metrics = options.Val is { } val
            ? val.Metrics.BuildAll(examination.Session.Services, few.Info)
            : new Dictionary<string, Metric>();

        var batchSize = Math.Min(few.Count, options.Train.Loader?.BatchSize ?? 16);
        using var loader = examination.Session.Data.OpenEvaluationLoader(few, new LoaderOptions(batchSize, 0));
        var batches = loader.Epoch(0).ToArray();
        try
        {
            double first = double.NaN,
                last = double.NaN;
            var curve = new List<string>();
            var steps = 0;
            var started = _watch.Elapsed;
            for (; steps < LongestRun && _watch.Elapsed < limit; steps++)
            {
                using var scope = NewDisposeScope();
                var batch = batches[steps % batches.Length];
                if (steps < batches.Length)
                    examination.Session.Place(batch);
                model.train();
                foreach (var optimizer in optimizers)
                    optimizer.zero_grad();
                var loss = model.Loss(batch, new Progress(steps, LongestRun, 0, 1)).Total();
                loss.backward();
                foreach (var optimizer in optimizers)
                    optimizer.step();
                if (steps % batches.Length != 0)
                    continue;
                last = loss.ToDouble();
                if (double.IsNaN(first))
                    first = last;
                if ((steps & (steps - 1)) == 0)
                    curve.Add(string.Create(CultureInfo.InvariantCulture, $"{steps}: {last:0.000}"));
                if (!double.IsFinite(last))
                    break;
                if (last < Learned * first && Score(model, batches, metrics, few.Info) is null or >= 0.999)
                    break;
            }
            var took = _watch.Elapsed - started;
            var score = Score(model, batches, metrics, few.Info);
            var learned = last < Learned * first && score is null or >= 0.999;
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"{few.Count} samples, learning rate {optimizers[0].ParamGroups.First().LearningRate:0.######}: loss {first:0.000} to "
                    + $"{last:0.000} in {steps + 1} steps ({took.TotalSeconds:0} "
                    + $"s){(score is { } value ? $", {value:P0} right" : "")}\nloss by step: {string.Join(", ", curve)}"
            );
            return (learned, learned ? text : text + "\n" + Gradients(model));
        }
        finally
        {
            foreach (var batch in batches)
                batch.Dispose();
            foreach (var optimizer in optimizers)
                optimizer.Dispose();
        }
    }

    /// <summary>The share that is right, in evaluation mode; null where no accuracy is measured.</summary>
    private static double? Score(VisionModel model, Batch[] batches, IReadOnlyDictionary<string, Metric> metrics, DataInfo info)
    {
        if (metrics.Values.OfType<AccuracyMetric>().FirstOrDefault() is not { } accuracy)
            return null;
        accuracy.Reset(info);
        model.eval();
        using var mode = no_grad();
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            accuracy.Process(model.Predict(batch), batch.Samples);
        }
        return accuracy.Compute().Values.First();
    }

    /// <summary>Root mean square of the gradients of each part, relative to its weights: a part that learns nothing stands out.</summary>
    private static string Gradients(VisionModel model)
    {
        var parts = model
            .named_parameters()
            .Where(entry => entry.parameter.requires_grad)
            .GroupBy(entry => string.Join('.', entry.name.Split('.').Take(2)))
            .Select(part =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{part.Key} {Norm(part.Select(entry => entry.parameter.grad)) / Math.Max(Norm(part.Select(entry => (Tensor?)entry.parameter)), 1e-12):0.0e+0}"
                )
            );
        return "gradient over weight by part: " + string.Join(", ", parts);

        static double Norm(IEnumerable<Tensor?> tensors)
        {
            using var scope = NewDisposeScope();
            return Math.Sqrt(
                tensors
                    .Where(tensor => tensor is not null)
                    .Sum(tensor => tensor!.detach().to_type(ScalarType.Float32).square().sum().ToDouble())
            );
        }
    }

    /// <summary>The same pixels with two labels can't be learned.</summary>
    private void Contradictions(FirstSamples few, IReadOnlyList<Transform> pipeline)
    {
        var seen = new Dictionary<string, Sample>();
        for (var i = 0; i < few.Count; i++)
        {
            var sample = few.Open(i, training: false);
            foreach (var step in pipeline)
                sample = step.Apply(sample, RandomSource.For(0, 0, i));
            if (sample.Image?.Decode() is not { } image || sample.Truth.Label is null)
                continue;
            var hash = Convert.ToHexString(SHA256.HashData(image.Bytes));
            if (seen.TryGetValue(hash, out var twin) && twin.Truth.Label != sample.Truth.Label)
                report.Warn("overfit", $"{twin.Name} and {sample.Name} have the same pixels, and different labels.");
            seen.TryAdd(hash, sample);
        }
    }

    /// <summary>Samples spread over the data set, so that several classes are among them.</summary>
    private sealed class FirstSamples : Dataset
    {
        private readonly Dataset _whole;
        private readonly int _count;

        public FirstSamples(Dataset whole, int count, IReadOnlyList<Transform> pipeline)
        {
            (_whole, _count) = (whole, Math.Min(count, whole.Count));
            Pipeline = pipeline;
        }

        public override int Count => _count;

        public override DataInfo Info => _whole.Info;

        public override Sample Get(int index) => _whole.Get(At(index));

        public override int? LabelOf(int index) => _whole.LabelOf(At(index));

        private int At(int index) => (int)((long)index * _whole.Count / _count);
    }
}
