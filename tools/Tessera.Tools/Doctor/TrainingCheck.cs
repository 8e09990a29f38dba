using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Models.Losses;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Doctor;

/// <summary>
/// A batch of the config's size forward and backward: losses finite, near what guessing gives, and a gradient everywhere.
/// Then once more as at the end of the run, when terms that warm up have begun.
/// </summary>
internal sealed class TrainingCheck(Examination examination, Report report)
{
    private const long End = 3L * int.MaxValue; // beyond every warm-up and ramp

    public string Run()
    {
        var (model, train) = (examination.Session.Model, examination.Session.Options.Train!);
        var loader = examination.Session.Data.Loader(DataPart.Train);
        using var scope = NewDisposeScope();
        using var batch = SampleCheck.First(loader, "train");
        examination.Session.Place(batch);
        model.train();
        var watch = Stopwatch.StartNew();
        LossMap losses;
        using (var norms = new LastBatch(model))
        {
            losses = Step(new Progress(0, 1, 0, 1));
            norms.JudgeWhole(batch.Count, report);
        }
        var first = watch.Elapsed;
        LastBatch.Judge(model, examination.Train!, loader, train, report);
        var gradients = Gradients(model);
        Judge(model, losses);

        model.zero_grad();
        watch.Restart();
        losses = Step(new Progress(0, 1, 0, 1));
        var second = watch.Elapsed;
        model.zero_grad();

        var late = Late(model, Length(train, loader.BatchesPerEpoch));
        for (var i = 0; i < 2; i++) // what keeps a memory compares with it the second time
        {
            var ended = Step(new Progress(End, End, 0, 1));
            if (i == 1 && late.Length > 0)
                late = $"; with all terms begun ({late}): {Text(ended)}";
            Gradients(model, told: true);
            model.zero_grad();
        }
        var epoch = second * loader.BatchesPerEpoch;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"batch of {batch.Count}: {Text(losses)}{late}; {gradients}; {second.TotalSeconds:0.00} s forward and backward (the first "
                + $"{first.TotalSeconds:0.00}), so an epoch of {loader.BatchesPerEpoch} "
                + $"{(loader.BatchesPerEpoch == 1 ? "batch" : "batches")} takes about {Time(epoch)}"
        );

        LossMap Step(Progress progress)
        {
            LossMap found;
            using (examination.Session.Precision.Enter(examination.Session.Device.type))
                found = ShapeMistake.Guard(model, batch, () => model.Loss(batch, progress));
            RequireFinite(found, begun: progress.Iteration > 0, batch);
            var total = found.Total(); // a single term is the total itself: the scope frees it
            if (!total.requires_grad)
                throw new UserErrorException("the loss depends on no parameter that is trained: is all of the model frozen?");
            total.backward();
            return found;
        }
    }

    private void RequireFinite(LossMap losses, bool begun, Batch batch)
    {
        if (losses.FirstOrDefault(loss => !double.IsFinite(loss.Value.ToDouble())) is not (var name, { } loss))
            return;
        var what = $"the loss \"{name}\" is {loss.ToDouble()}";
        if (examination.Session.Model.named_parameters().FirstOrDefault(entry => !IsFinite(entry.parameter)) is (var weight, not null))
            throw new UserErrorException(
                $"{what}, since the weight {weight} isn't finite: its initialiser, or the weights that were loaded, made it so."
            );
        throw new UserErrorException(
            $"{what} on the first batch{(begun ? ", once it has begun" : "")} ({batch.Samples[0].Name} …). precision=fp32 tells whether "
                + "the precision is to blame."
        );
    }

    private void Judge(VisionModel model, LossMap losses)
    {
        CompareWithGuessing(losses);
        foreach (var text in Supervision.Mismatches(model, examination.Train!.Info).Concat(Supervision.Suspicions(model)))
            report.Warn("training", text);
    }

    private void CompareWithGuessing(LossMap losses)
    {
        var info = examination.Train!.Info;
        var (guess, value) = (Math.Log(info.Classes.Count), losses.Values.Sum(loss => loss.ToDouble()));
        if (info.Task == DataTask.Classification && losses.Count == 1 && value > 3 * guess)
            report.Warn(
                "training",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the first loss is {value:0.00}; a model that guesses has ln({info.Classes.Count}) = {guess:0.00}. Are the "
                        + $"initial weights or the normalisation wrong?"
                )
            );
    }

    /// <param name="told">Parameters without a gradient were told of before.</param>
    private string Gradients(VisionModel model, bool told = false)
    {
        var missing = model
            .named_parameters()
            .Where(entry => entry.parameter.requires_grad && entry.parameter.grad is null)
            .Select(entry => entry.name)
            .ToArray();
        if (missing.Length > 0 && !told)
            report.Warn(
                "training",
                $"{missing.Length} parameters get no gradient: {Some(missing)}. Freeze them, or find out why nothing depends on them."
            );
        var broken = model
            .named_parameters()
            .Where(entry => entry.parameter.grad is { } grad && !IsFinite(grad))
            .Select(entry => entry.name)
            .ToArray();
        if (broken.Length > 0)
            throw new UserErrorException($"the gradients of {broken.Length} parameters are not finite: {Some(broken)}.");
        return missing.Length == 0 ? "a gradient in every parameter" : $"no gradient in {missing.Length} parameters";
    }

    private static bool IsFinite(Tensor tensor) => tensor.isfinite().all().ToBoolean();

    /// <summary>Terms that are left out at first, in words; empty where there are none. Warns of those that never begin.</summary>
    private string Late(VisionModel model, long iterations)
    {
        var late = model
            .named_modules()
            .Where(entry => entry.module is WeightedLoss { WarmupIters: > 0 } or WeightedLoss { RampIters: > 0 })
            .ToArray();
        foreach (var (name, module) in late)
        {
            if (module is WeightedLoss loss && loss.WarmupIters >= iterations)
                report.Warn(
                    "training",
                    $"{name} ({loss.GetName()}) never begins: its warmup_iters is {loss.WarmupIters}, and the run has {iterations} "
                        + $"iterations."
                );
        }
        return string.Join(
            ", ",
            late.Select(entry => $"{entry.module.GetName()} after {((WeightedLoss)entry.module).WarmupIters} iterations")
        );
    }

    private long Length(TrainOptions train, int batches) =>
        train.BuildLoop(examination.Session.Services).TotalIterations((batches + train.Accumulate - 1) / train.Accumulate);

    private static string Text(LossMap losses) =>
        string.Join(", ", losses.Select(loss => string.Create(CultureInfo.InvariantCulture, $"{loss.Key} {loss.Value.ToDouble():0.000}")));

    private static string Some(string[] names) => string.Join(", ", names.Take(3)) + (names.Length > 3 ? ", …" : "");

    private static string Time(TimeSpan time) =>
        time.TotalMinutes < 2 ? $"{time.TotalSeconds:0} s"
        : time.TotalHours < 2 ? $"{time.TotalMinutes:0} minutes"
        : $"{time.TotalHours:0.0} hours";
}
