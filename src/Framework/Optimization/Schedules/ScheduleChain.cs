using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>Phases one after another, or beside each other, set on every parameter group of the optimizers before each step.</summary>
public sealed class ScheduleChain
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly Phase[] _phases;

    /// <param name="stepsPerEpoch">Optimizer steps of an epoch.</param>
    /// <param name="totalSteps">Optimizer steps of the run.</param>
    /// <exception cref="UserErrorException">A phase that others follow has no end, or ends before it begins.</exception>
    public ScheduleChain(IReadOnlyList<Schedule> schedules, long stepsPerEpoch, long totalSteps)
    {
        var phases = new List<Phase>();
        long next = 0;
        for (var i = 0; i < schedules.Count; i++)
        {
            var schedule = schedules[i];
            var perUnit = schedule.By == ScheduleUnit.Epoch ? Math.Max(stepsPerEpoch, 1) : 1;
            if (schedule.Until is null && i + 1 < schedules.Count && schedules[i + 1].From is null)
                throw new UserErrorException(
                    $"schedule.{i}.until: {schedule.GetType().Name} is followed by another phase, so it must say until when it lasts."
                );
            var begin = schedule.From is { } from ? from * perUnit : next;
            // a short run may end before the last phase
            var end = schedule.Until is { } until ? until * perUnit : Math.Max(totalSteps, begin + 1);
            if (end <= begin)
                throw new UserErrorException(
                    $"schedule.{i}.until: {schedule.GetType().Name} would end at iteration {end}, but begins at {begin}."
                        + (
                            schedule.From is null && i > 0
                                ? $" Where it is to last beside the phase before it, schedule.{i}.from says when it begins."
                                : ""
                        )
                );
            phases.Add(new Phase(schedule, begin, end, perUnit));
            next = end;
        }
        _phases = [.. phases];
    }

    /// <summary>The learning rate of a group at an optimizer step: of the phases that overlap, the product of their factors.</summary>
    public double Rate(double baseRate, long step)
    {
        var lasting = At(step);
        if (lasting is [var (only, place)])
            return only.Schedule.Rate(baseRate, place); // as it says, not rounded twice
        return baseRate == 0
            ? 0
            : lasting.Aggregate(baseRate, (rate, entry) => rate * (entry.Phase.Schedule.Rate(baseRate, entry.At) / baseRate));
    }

    /// <summary>The momentum at an optimizer step; null where no schedule sets it. Of phases that overlap, the last decides.</summary>
    public double? Momentum(long step) =>
        At(step).Select(entry => entry.Phase.Schedule.Momentum(entry.At)).LastOrDefault(momentum => momentum is not null);

    /// <summary>Sets learning rates (and momenta) for the step to come.</summary>
    /// <param name="factor">Times the rates that the phases give, or that the optimizer began with; null: there is no factor.</param>
    public void Apply(optim.Optimizer optimizer, Progress progress, double? factor = null)
    {
        if (_phases.Length == 0)
        {
            if (factor is { } times)
                foreach (var group in optimizer.ParamGroups)
                    group.LearningRate = group.InitialLearningRate * times;
            return;
        }
        var momentum = Momentum(progress.Iteration);
        foreach (var group in optimizer.ParamGroups)
        {
            group.LearningRate = Rate(group.InitialLearningRate, progress.Iteration) * (factor ?? 1);
            if (momentum is not { } value)
                continue;
            if (group is optim.IMomentum withMomentum)
                withMomentum.Momentum = value;
            else if (group is optim.IBetas withBetas)
                withBetas.Betas = (value, withBetas.Betas.Item2);
        }
    }

    public void Observe(IReadOnlyDictionary<string, double> metrics, long step)
    {
        foreach (var (phase, _) in At(step))
            phase.Schedule.Observe(metrics);
    }

    public void Save(StateWriter state)
    {
        for (var i = 0; i < _phases.Length; i++)
            _phases[i].Schedule.Save(state.Under($"{i}"));
    }

    public void Load(StateReader state)
    {
        for (var i = 0; i < _phases.Length; i++)
            _phases[i].Schedule.Load(state.Under($"{i}"));
    }

    /// <summary>The phases that last at a step; where none does, the one that ended last, or else nothing.</summary>
    private (Phase Phase, PhaseStep At)[] At(long step)
    {
        var lasting = Array.FindAll(_phases, phase => phase.Begin <= step && step < phase.End);
        if (lasting.Length == 0 && Array.FindAll(_phases, phase => phase.End <= step) is { Length: > 0 } ended)
            lasting = [ended.MaxBy(phase => phase.End)!];
        return Array.ConvertAll(
            lasting,
            phase =>
            {
                // By epoch, the rate stays for the whole epoch: only whole units count.
                var run = step / phase.PerUnit;
                var at = Math.Min(run, phase.End / phase.PerUnit) - phase.Begin / phase.PerUnit;
                return (phase, new PhaseStep(at, Math.Max((phase.End - phase.Begin + phase.PerUnit - 1) / phase.PerUnit, 1), run));
            }
        );
    }

    private sealed record Phase(Schedule Schedule, long Begin, long End, long PerUnit);
}
