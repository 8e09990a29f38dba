using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;

namespace Tessera.Tests.Framework.Optimization;

public sealed class ScheduleTests
{
    private static readonly JsonElement s_fixture = FixtureFile.Json("optimization", "schedules.json");

    public static TheoryData<string> Cases =>
        [.. s_fixture.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rate_OfEveryIteration_IsPyTorchs(string name)
    {
        var fixture = s_fixture.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        var chain = Chain(
            fixture.GetProperty("schedule"),
            s_fixture.GetProperty("steps_per_epoch").GetInt32(),
            s_fixture.GetProperty("steps").GetInt32()
        );
        var rates = fixture.GetProperty("rates").EnumerateArray().Select(v => v.GetDouble()).ToArray();
        var metric = fixture.TryGetProperty("metric", out var values) ? values.EnumerateArray().Select(v => v.GetDouble()).ToArray() : null;

        for (var step = 0; step < rates.Length; step++)
        {
            if (metric is not null)
                chain.Observe(new Dictionary<string, double> { ["m"] = metric[step] }, step);
            Assert.Equal(rates[step], chain.Rate(s_fixture.GetProperty("base").GetDouble(), step), 1e-9);
            if (fixture.TryGetProperty("momenta", out var momenta))
                Assert.Equal(momenta[step].GetDouble(), chain.Momentum(step)!.Value, 1e-9);
        }
    }

    [Fact]
    public void Rate_AfterTheLastPhase_StaysAtItsEnd()
    {
        var chain = new ScheduleChain([new CosineLr(new CosineLrOptions(0.01)) { Until = 10 }], 5, 20);
        Assert.Equal(0.01, chain.Rate(0.1, 10), 1e-12);
        Assert.Equal(0.01, chain.Rate(0.1, 19), 1e-12);
    }

    [Fact]
    public void Rate_OfAGroupWithASmallRate_NeverRisesToTheMinimum()
    {
        var chain = new ScheduleChain([new PolyLr(new PolyLrOptions(1, 0.01))], 5, 20);
        Assert.Equal(0.001, chain.Rate(0.001, 15), 1e-12);
    }

    [Fact]
    public void MultiStep_AfterAWarmUp_CountsFromTheRunsBeginning()
    {
        var chain = new ScheduleChain(
            [new LinearLr(new LinearLrOptions(0.1)) { Until = 4 }, new MultiStepLr(new MultiStepLrOptions([6], 0.5))],
            5,
            20
        );
        Assert.Equal(1.0, chain.Rate(1, 5), 1e-12);
        Assert.Equal(0.5, chain.Rate(1, 6), 1e-12);
    }

    [Fact]
    public void Chain_PhaseWithoutEndBeforeAnother_IsAMistake()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            new ScheduleChain([new ConstantLr(new ConstantLrOptions()), new ConstantLr(new ConstantLrOptions())], 5, 20)
        );
        Assert.Equal("schedule.0.until: ConstantLr is followed by another phase, so it must say until when it lasts.", error.Message);
    }

    [Fact]
    public void Chain_PhasesOutOfOrder_AreAMistake()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            new ScheduleChain(
                [new ConstantLr(new ConstantLrOptions()) { Until = 8 }, new ConstantLr(new ConstantLrOptions()) { Until = 3 }],
                5,
                20
            )
        );
        Assert.Contains("would end at iteration 3, but begins at 8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Chain_PhasesThatOverlap_MultiplyAsMmenginesDo()
    {
        // param_scheduler = [LinearLR(0.001, by_epoch=False, begin=0, end=8), MultiStepLR(by_epoch=True, begin=0, end=12, milestones=[1,
        // 3])], 5 steps an epoch:
        // the warm-up's factor is 0.001 + 0.999 i / 8, the steps' 0.1 from epoch 1 (step 5) and 0.01 from epoch 3 (step 15) on.
        var chain = new ScheduleChain(
            [
                new LinearLr(new LinearLrOptions(0.001)) { Until = 8 },
                new MultiStepLr(new MultiStepLrOptions([1, 3]))
                {
                    By = ScheduleUnit.Epoch,
                    From = 0,
                    Until = 12,
                },
            ],
            5,
            60
        );
        for (var step = 0; step < 60; step++)
        {
            var warm = step < 8 ? 0.001 + 0.999 * step / 8 : 1;
            Assert.Equal(
                0.02
                    * warm
                    * (
                        step < 5 ? 1
                        : step < 15 ? 0.1
                        : 0.01
                    ),
                chain.Rate(0.02, step),
                12
            );
        }
    }

    [Fact]
    public void Chain_GapBetweenPhases_KeepsTheLastRate()
    {
        var chain = new ScheduleChain(
            [new ConstantLr(new ConstantLrOptions(0.5)) { From = 2, Until = 4 }, new ConstantLr(new ConstantLrOptions(0.1)) { From = 6 }],
            5,
            10
        );
        Assert.Equal([1, 1, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1], Enumerable.Range(0, 8).Select(step => chain.Rate(1, step)));
    }

    [Fact]
    public void Chain_PhaseThatBeginsTooLate_SaysHowToOverlap()
    {
        // As mmengine's would be written: 500 iterations of warm-up, and a fall over epochs 0 to 3 of 5 steps each.
        static Schedule[] Phases(int? from) =>
            [
                new LinearLr(new LinearLrOptions()) { Until = 500 },
                new CosineLr(new CosineLrOptions())
                {
                    Until = 3,
                    By = ScheduleUnit.Epoch,
                    From = from,
                },
            ];
        var error = Assert.Throws<UserErrorException>(() => new ScheduleChain(Phases(null), 5, 20));
        Assert.EndsWith("schedule.1.from says when it begins.", error.Message, StringComparison.Ordinal);
        Assert.Equal(1.0 / 3, new ScheduleChain(Phases(0), 5, 20).Rate(1, 0), 12); // as it says
        Assert.Equal(
            1,
            new ScheduleChain([new ConstantLr(new ConstantLrOptions()), new CosineLr(new CosineLrOptions()) { From = 0 }], 5, 20).Rate(1, 0)
        ); // as it says
    }

    [Fact]
    public void ReduceOnPlateau_SavedAndLoaded_GoesOnTheSame()
    {
        var options = new ReduceOnPlateauOptions("m", Patience: 1, Factor: 0.5);
        var whole = new ScheduleChain([new ReduceOnPlateau(options)], 5, 100);
        var first = new ScheduleChain([new ReduceOnPlateau(options)], 5, 100);
        var second = new ScheduleChain([new ReduceOnPlateau(options)], 5, 100);
        var random = new Random(3);
        var values = Enumerable.Range(0, 30).Select(_ => random.NextDouble()).ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            var metrics = new Dictionary<string, double> { ["m"] = values[i] };
            whole.Observe(metrics, i);
            (i < 13 ? first : second).Observe(metrics, i);
            if (i == 12)
            {
                var state = new StateWriter();
                first.Save(state);
                second.Load(new StateReader(state.Tensors, state.Values));
            }
            Assert.Equal(whole.Rate(1, i), (i < 12 ? first : second).Rate(1, i));
        }
        Assert.True(whole.Rate(1, 0) < 0.1);
    }

    [Fact]
    public void ReduceOnPlateau_MetricThatEvaluationLacks_NamesThoseItHas()
    {
        var schedule = new ReduceOnPlateau(new ReduceOnPlateauOptions("top1"));
        var error = Assert.Throws<UserErrorException>(() => schedule.Observe(new Dictionary<string, double> { ["accuracy/top1"] = 1 }));
        Assert.Contains("accuracy/top1", error.Message, StringComparison.Ordinal);
    }

    private static ScheduleChain Chain(JsonElement schedule, int stepsPerEpoch, int steps) =>
        new([.. schedule.EnumerateArray().Select(phase => TestComponents.Build<Schedule>(phase.GetRawText()))], stepsPerEpoch, steps);
}
