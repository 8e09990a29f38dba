namespace Tessera.Framework.Processes;

/// <summary>One thing that a stage does: a micro-batch's forward or its backward.</summary>
/// <param name="MicroBatch">From 0.</param>
public readonly record struct StageTask(bool IsBackward, int MicroBatch);

/// <summary>In which order a stage goes through the micro-batches: all forwards, then all backwards, the last first.</summary>
/// <remarks>Huang et al., "GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism", 2019, arXiv:1811.06965, section
/// 2.2.</remarks>
public static class PipelineSchedule
{
    /// <summary>What every stage does in a step.</summary>
    public static IEnumerable<StageTask> Of(int microBatches) =>
        Enumerable
            .Range(0, microBatches)
            .Select(i => new StageTask(false, i))
            .Concat(Enumerable.Range(1, microBatches).Select(i => new StageTask(true, microBatches - i)));

    /// <summary>The share of a step in which a stage waits, where all stages take as long: (p - 1) / (m + p - 1).</summary>
    public static double Bubble(int stages, int microBatches) => (stages - 1.0) / (microBatches + stages - 1);

    /// <summary>How many times as fast as one process the stages are at best: p m / (m + p - 1), where all take as long and messages
    /// take no time.</summary>
    public static double BestSpeedUp(int stages, int microBatches) => stages * (1 - Bubble(stages, microBatches));

    /// <summary>How long a step takes, by the order of <see cref="Of"/>, where messages take no time.</summary>
    /// <param name="forward">Of each stage, for one micro-batch.</param>
    /// <param name="backward">The same.</param>
    /// <param name="microBatches">Parts of the batch.</param>
    public static double Duration(IReadOnlyList<double> forward, IReadOnlyList<double> backward, int microBatches)
    {
        var stages = forward.Count;
        var free = new double[stages]; // when a stage has done what it did last
        var done = new Dictionary<(int Stage, StageTask Task), double>();
        foreach (var task in Of(microBatches))
        {
            // A forward needs that of the stage before, a backward that of the stage after.
            for (var i = 0; i < stages; i++)
            {
                var (stage, needed) = task.IsBackward ? (stages - 1 - i, stages - i) : (i, i - 1);
                var begin = Math.Max(free[stage], done.GetValueOrDefault((needed, task)));
                done[(stage, task)] = free[stage] = begin + (task.IsBackward ? backward : forward)[stage];
            }
        }
        return free.Max();
    }
}
