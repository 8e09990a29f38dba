using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;

namespace Tessera.Framework.Hooks;

/// <param name="Interval">Optimizer steps between rows.</param>
/// <param name="StandstillAfter">Optimizer steps after which a loss is named that stays at a value by which it tells that nothing is
/// learned (binary cross entropy at ln 2, or at its least behind a softmax); 0: never.</param>
public sealed record LogHookOptions(
    [property: Range(1, int.MaxValue)] int Interval = 50,
    [property: Range(0, int.MaxValue)] int StandstillAfter = 500
);

/// <summary>Writes losses, learning rate, throughput and the time spent waiting for data; warns of losses that don't fit the data, and of
/// those that stand still. On by default.</summary>
[Component("LogHook")]
public sealed class LogHook(LogHookOptions options) : Hook
{
    private const double Collapse = 5;

    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly Stopwatch _clock = new();
    private long _images;
    private double _fastest;
    private bool _warned;
    private bool _suspected;
    private LossStandstill? _standstill;

    public override int Order => HookOrder.Logs;

    public override void BeforeRun(RunState run)
    {
        foreach (var text in Supervision.Mismatches(run.Model, run.Data))
            s_log.LogWarning("{0}", text);
        if (options.StandstillAfter > 0)
            _standstill = new LossStandstill(run.Model, run.Data.Classes.Count, options.StandstillAfter, run.Progress.Iteration);
        _clock.Start();
    }

    public override void BeforeEvaluation(RunState run) => _clock.Stop();

    public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics) => _clock.Start();

    public override void EvaluationFailed(RunState run) => _clock.Start();

    public override void AfterIteration(RunState run, Batch batch, LossMap losses)
    {
        _images += batch.Count;
        if (!run.StepDone)
            return;
        var progress = run.Progress;
        run.Output?.Progress(progress.Iteration, progress.TotalIterations);
        if (progress.Iteration % options.Interval == 0 || progress.Iteration == progress.TotalIterations)
            Write(run, progress);
    }

    private void Write(RunState run, Progress progress)
    {
        var values = new Dictionary<string, double>(run.TakeLog());
        foreach (var name in run.Optimizers.Names)
            values[run.Optimizers.Names.Count == 1 ? "lr" : $"lr/{name}"] = run.Optimizers[name]
                .Optimizer.ParamGroups.Max(group => group.LearningRate);

        var perSecond = _images * run.Replicas / Math.Max(_clock.Elapsed.TotalSeconds, 1e-9);
        var (waiting, total) = run.TrainLoader.TakeWaitTimes();
        var wait = total > TimeSpan.Zero ? Math.Min(waiting / total, 1) : 0;
        var memory = Environment.WorkingSet;
        run.Output?.Report(
            new ProgressReport(
                progress.Iteration,
                progress.TotalIterations,
                progress.Epoch,
                progress.TotalEpochs,
                perSecond,
                wait,
                memory,
                values
            )
        );

        WarnOfSharedCores(run, perSecond, wait);
        WarnOfSupervision(run, progress.Iteration, values);
        foreach (var (_, module) in run.Model.Having<IReportsScalars>())
        foreach (var (name, value) in module.Scalars(progress))
            values[name] = value;
        values["images_per_second"] = perSecond;
        values["data_wait"] = wait;
        values["memory_mb"] = memory / 1048576.0;
        run.Output?.Scalars("train", progress.Iteration, progress.Epoch, values);
        _images = 0;
        _clock.Restart();
    }

    private void WarnOfSupervision(RunState run, long iteration, Dictionary<string, double> values)
    {
        foreach (var text in _suspected ? [] : Supervision.Suspicions(run.Model))
            s_log.LogWarning("{0}", text);
        _suspected = true;
        foreach (var (name, value) in values)
            if (_standstill?.See(name, value, iteration) is { } text)
                s_log.LogWarning("{0}", text);
    }

    /// <summary>
    /// oneDNN's threads wait for each other by spinning. Where another program holds one of the cores, a convolution's step
    /// can take 20 times as long, which nobody would guess.
    /// </summary>
    private void WarnOfSharedCores(RunState run, double perSecond, double wait)
    {
        _fastest = Math.Max(_fastest, perSecond);
        if (_warned || perSecond * Collapse > _fastest || wait > 0.5 || run.Device.type != DeviceType.CPU || Threads.Count == 1)
            return;
        _warned = true;
        s_log.LogWarning(
            "Steps take {0:0} times as long as before. Other programs seem to share the cores; then one thread ("
                + "threads=1 in the config) is faster than {1}, which wait for each other.",
            _fastest / perSecond,
            Threads.Count
        );
    }
}
