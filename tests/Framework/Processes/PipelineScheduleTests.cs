using Tessera.Framework.Processes;

namespace Tessera.Tests.Framework.Processes;

public sealed class PipelineScheduleTests
{
    // GPipe's formula, (p - 1) / (m + p - 1).
    [Theory]
    [InlineData(2, 4, 0.2)]
    [InlineData(4, 8, 0.2727)]
    [InlineData(4, 32, 0.0857)]
    [InlineData(1, 3, 0)]
    public void Bubble_IsTheFormula(int stages, int microBatches, double expected)
    {
        Assert.Equal(expected, PipelineSchedule.Bubble(stages, microBatches), 4);
        Assert.Equal(
            (double)stages * microBatches / (microBatches + stages - 1),
            PipelineSchedule.BestSpeedUp(stages, microBatches),
            1e-12
        );
    }

    // The schedule itself, played with equal stages: a stage works m (f + b) of the whole time, and waits the rest.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 4)]
    [InlineData(3, 2)]
    [InlineData(4, 8)]
    [InlineData(5, 1)]
    public void Duration_OfEqualStages_LeavesTheBubble(int stages, int microBatches)
    {
        const double Forward = 1,
            Backward = 2;
        var duration = PipelineSchedule.Duration(
            [.. Enumerable.Repeat(Forward, stages)],
            [.. Enumerable.Repeat(Backward, stages)],
            microBatches
        );
        Assert.Equal((microBatches + stages - 1) * (Forward + Backward), duration, 1e-12);
        Assert.Equal(PipelineSchedule.Bubble(stages, microBatches), 1 - (microBatches * (Forward + Backward) / duration), 1e-12);
    }

    // By hand, two stages of 1 and 3, one after another 2 micro-batches, backward as forward: the second stage works from 1 to 13, then the
    // first's last backward takes 1.
    [Fact]
    public void Duration_OfUnequalStages_IsThatOfTheSlowest() => Assert.Equal(14, PipelineSchedule.Duration([1, 3], [1, 3], 2), 1e-12);

    [Fact]
    public void Of_RunsEveryMicroBatchOnceForwardThenOnceBackward()
    {
        var tasks = PipelineSchedule.Of(3).ToArray();
        Assert.Equal([new(false, 0), new(false, 1), new(false, 2), new(true, 2), new(true, 1), new(true, 0)], tasks);
    }
}
