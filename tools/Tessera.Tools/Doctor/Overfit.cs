using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
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
    private const int LongestRun = 2000;
    private const int StandsStillAfter = 100; // steps

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public void Run()
    {
        var train = examination.Train ?? throw new UserErrorException("--overfit: the config has no train section.");
        if (examination.Session.Options.Optimizer is not { } optimizer)
            throw new UserErrorException("--overfit: the config has no optimizer.");
        var pipeline = (examination.Val ?? train).Pipeline; // evaluation's: no augmentation
        var few = new FirstSamples(train, count, pipeline);
        Contradictions(few, pipeline);
        if (examination.Session.Options.Distill is { } taught)
            report.Note("overfit", $"by the labels alone: the teacher ({taught.Teacher}) is left out");

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
            if (outcome.Standstill is { } standstill)
                report.Warn("overfit", standstill);
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

    private (bool Learned, string Text, string? Standstill) Try(
        FirstSamples few,
        OneOrNamed<ComponentSpec<OptimizerFactory>> specs,
        double factor
    )
    {
        var options = examination.Session.Options;
        manual_seed(options.Seed);
        using var model = examination.Session.CreateInitializedModel(few.Info);
        using var step = new TrainStep(Parts(model, options.Train!, specs));
        foreach (var name in step.Optimizers.Names)
        foreach (var group in step.Optimizers[name].Optimizer.ParamGroups)
            group.LearningRate *= factor;
        var metrics = options.Val is { } val
            ? val.Metrics.BuildAll(examination.Session.Services, few.Info)
            : new Dictionary<string, Metric>();

        var batchSize = Math.Min(few.Count, options.Train!.Loader?.BatchSize ?? 16);
        using var loader = examination.Session.Data.OpenEvaluationLoader(few, new LoaderOptions(batchSize, 0));
        var batches = loader.Epoch(0).ToArray();
        try
        {
            foreach (var batch in batches)
                step.Prepare(batch);
            var course = Train(step, batches, () => Score(model, batches, metrics, few.Info));
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"{few.Count} samples, learning rate {Rate(step):0.######}: loss {course.First:0.000} to {course.Last:0.000} in "
                    + $"{course.Steps} steps ({course.Took.TotalSeconds:0} s)"
                    + $"{(course.Score is { } value ? $", {value:P0} right" : "")}\nloss by step: {string.Join(", ", course.Curve)}"
            );
            return (course.Learned, course.Learned ? text : text + "\n" + Gradients(step, batches[0]), course.Standstill);
        }
        finally
        {
            foreach (var batch in batches)
                batch.Dispose();
        }
    }

    /// <summary>What the run itself would train with, batch by batch and on this machine alone.</summary>
    private StepParts Parts(VisionModel model, TrainOptions train, OneOrNamed<ComponentSpec<OptimizerFactory>> specs)
    {
        var session = examination.Session;
        return new StepParts
        {
            Model = model,
            Optimizers = specs.BuildAll(session.Services),
            Penalties = train.Penalties.BuildAll(session.Services),
            // What a second phase trains is what can learn by heart.
            Step = train.Tune == TunePreset.LpFt ? train with { Tune = null } : train,
            Device = session.Device,
            Precision = session.Precision,
            ChannelsLast = session.ChannelsLast,
        };
    }

    private OverfitCourse Train(TrainStep step, Batch[] batches, Func<double?> score)
    {
        var course = new OverfitCourse(_watch.Elapsed);
        var standstill = new LossStandstill(step.Model, examination.Train!.Info.Classes.Count, StandsStillAfter);
        for (; course.Steps < LongestRun && _watch.Elapsed < limit; course.Steps++)
        {
            using var scope = NewDisposeScope();
            step.TrainMode();
            var losses = step.Run(batches[course.Steps % batches.Length], new Progress(course.Steps, LongestRun, 0, 1));
            foreach (var (name, loss) in losses)
                if (course.Steps % batches.Length == 0 && standstill.See(name, loss.ToDouble(), course.Steps) is { } text)
                    course.Standstill = text;
            if (course.Steps % batches.Length == 0 && course.See(Loss(losses), score))
            {
                course.Steps++;
                break;
            }
        }
        return course.End(_watch.Elapsed, score());
    }

    /// <summary>Of the model alone: penalties on the weights need not fall.</summary>
    private double Loss(LossMap losses) =>
        losses
            .Where(loss => examination.Session.Options.Train!.Penalties?.ContainsKey(loss.Key) != true)
            .Sum(loss => loss.Value.ToDouble());

    private static double Rate(TrainStep step) => step.Optimizers[step.Optimizers.Names.First()].Optimizer.ParamGroups.First().LearningRate;

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
    private static string Gradients(TrainStep step, Batch batch)
    {
        using var scope = NewDisposeScope();
        step.TrainMode();
        LossMap losses;
        using (step.Optimizers.Autocast())
            losses = step.Model.Loss(batch, new Progress(0, 1, 0, 1));
        losses.Total().backward();
        var parts = step
            .Model.named_parameters()
            .Where(entry => entry.parameter.requires_grad)
            .GroupBy(entry => string.Join('.', entry.name.Split('.').Take(2)))
            .Select(part =>
            {
                var gradient = Norm(part.Select(entry => entry.parameter.grad));
                var weight = Math.Max(Norm(part.Select(entry => (Tensor?)entry.parameter)), 1e-12);
                return string.Create(CultureInfo.InvariantCulture, $"{part.Key} {gradient / weight:0.0e+0}");
            });
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
}
