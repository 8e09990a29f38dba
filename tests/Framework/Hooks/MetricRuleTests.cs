using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Tests.Framework.Running;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Hooks;

/// <summary>Whether more or less of a metric is better, and that nothing undefined is ever the best.</summary>
public sealed class MetricRuleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RuleOf_EveryValueOfOurMetrics_IsDeclared()
    {
        var (classes, labels) = (new DataInfo(["a", "b", "c"], DataTask.Classification), new DataInfo(["a", "b"], DataTask.MultiLabel));
        var (maps, boxes) = (new DataInfo(["a", "b"], DataTask.Segmentation), new DataInfo(["a", "b"], DataTask.Detection));
        (Metric Metric, DataInfo Info)[] all =
        [
            (new AccuracyMetric(new AccuracyOptions()), classes),
            (new PrecisionRecallF1Metric(new PrecisionRecallF1Options(PerClass: true)), classes),
            (new AveragePrecisionMetric(new AveragePrecisionOptions(true)), labels),
            (new AurocMetric(new AurocOptions(true)), labels),
            (new MeanIoUMetric(new MeanIoUOptions(0)), maps),
            (new CocoApMetric(new CocoApOptions(true, 0)), boxes),
            (new VocApMetric(new VocApOptions(PerClass: true, Bootstrap: 0)), boxes),
            (
                new PanopticQualityMetric(new PanopticQualityOptions(0)),
                new DataInfo(["a", "b"], DataTask.Panoptic) { Things = [true, false] }
            ),
        ];
        foreach (var (metric, info) in all)
        {
            metric.Reset(info);
            Assert.NotEmpty(metric.Compute());
            Assert.All(metric.Compute().Keys, name => Assert.Equal(MetricRule.Greater, metric.RuleOf(name)));
        }
        var errors = new RegressionMetric();
        errors.Reset(new DataInfo(["age", "size"], DataTask.Regression));
        foreach (var name in errors.Compute().Keys)
            Assert.Equal(name.StartsWith("r2", StringComparison.Ordinal) ? MetricRule.Greater : MetricRule.Less, errors.RuleOf(name));
    }

    /// <summary>Mean scores are named by the model, so that they are not known before an image is measured.</summary>
    [Fact]
    public void MeanScore_IsFollowedByItsRule_BeforeItsNamesAreKnown()
    {
        var info = new DataInfo(["a", "b"], DataTask.Classification);
        var hook = new CheckpointHook(new CheckpointHookOptions(SaveBest: new SaveBestOptions("noise_mse")));
        var followed = new FollowedMetrics(new Dictionary<string, Hook> { ["checkpoint"] = hook }, []);
        followed.Tell([new AccuracyMetric(new AccuracyOptions()), new MeanScoreMetric()], info);
        var other = Assert.Throws<UserErrorException>(() => followed.Tell([new AccuracyMetric(new AccuracyOptions())], info));
        Assert.Contains("follows the metric \"noise_mse\", which evaluation does not give", other.Message, StringComparison.Ordinal);
        Assert.Equal(MetricRule.Less, new MeanScoreMetric().RuleOf("noise_mse"));
    }

    [Theory]
    [InlineData(MetricRule.Less, null, 3)] // the metric says that less is better: 1 after epoch 3
    [InlineData(MetricRule.Greater, null, 2)] // 5
    [InlineData(null, MetricRule.Less, 3)] // the config says it
    [InlineData(MetricRule.Greater, MetricRule.Less, 3)] // against the metric
    public void SaveBest_FollowsTheRule_AndNothingUndefined(MetricRule? declared, MetricRule? stated, int epoch)
    {
        using var model = new TinyModel();
        using var trainer = Make(
            model,
            new Scripted(declared, double.NaN, 5, 1, double.NegativeInfinity, double.PositiveInfinity, 3),
            new CheckpointHook(new CheckpointHookOptions(SaveBest: new SaveBestOptions("error", stated)))
        );
        trainer.Run();
        using var best = Checkpoint.Open(Path.Combine(_folder.Path, "best_error.safetensors"));
        Assert.Equal(epoch, best.Info.Epoch);
    }

    [Fact]
    public void SaveBest_OfUndefinedValuesOnly_SavesNoBest()
    {
        using var model = new TinyModel();
        using var trainer = Make(
            model,
            new Scripted(MetricRule.Less, double.NaN, double.NaN),
            new CheckpointHook(new CheckpointHookOptions(SaveBest: new SaveBestOptions("error")))
        );
        trainer.Run();
        Assert.Empty(Directory.GetFiles(_folder.Path, "best_*"));
    }

    [Fact]
    public void Follower_OfAMetricThatDeclaresNothing_AsksForARule()
    {
        using var model = new TinyModel();
        var error = Assert.Throws<UserErrorException>(() =>
            Make(model, new Scripted(null, 1), new EarlyStoppingHook(new EarlyStoppingHookOptions("error")))
        );
        Assert.Equal(
            "hooks.hook follows the metric \"error\", which does not say whether more or less of it is better. "
                + "Set rule to \"greater\" or \"less\" beside metric, or override RuleOf in the metric's class.",
            error.Message
        );
    }

    [Fact]
    public void EarlyStopping_OfAFallingError_GoesOn_AndStopsWhereItRises()
    {
        using (var model = new TinyModel())
        using (
            var trainer = Make(
                model,
                new Scripted(MetricRule.Less, 5, 4, 3, 2, 1),
                new EarlyStoppingHook(new EarlyStoppingHookOptions("error", Patience: 1))
            )
        )
        {
            trainer.Run();
            Assert.Equal((5, (string?)null), (trainer.EpochsDone, trainer.StopReason));
        }
        using (var model = new TinyModel())
        using (
            var trainer = Make(
                model,
                new Scripted(MetricRule.Less, 1, 2, 3, 4, 5),
                new EarlyStoppingHook(new EarlyStoppingHookOptions("error", Patience: 1))
            )
        )
        {
            trainer.Run();
            Assert.Equal("error has not got better than 1 in 2 evaluations", trainer.StopReason);
        }
    }

    [Fact]
    public void EarlyStopping_OfUndefinedValues_Stops()
    {
        using var model = new TinyModel();
        using var trainer = Make(
            model,
            new Scripted(MetricRule.Less, double.NaN, double.NaN, double.NaN),
            new EarlyStoppingHook(new EarlyStoppingHookOptions("error", Patience: 1))
        );
        trainer.Run();
        Assert.Equal("error has had no finite value in 2 evaluations", trainer.StopReason);
    }

    [Fact]
    public void ReduceOnPlateau_OfAFallingError_KeepsTheRate()
    {
        foreach (var (rule, falls) in new[] { (MetricRule.Less, false), (MetricRule.Greater, true) })
        {
            using var model = new TinyModel();
            var plateau = new ReduceOnPlateau(new ReduceOnPlateauOptions("error", Factor: 0.5, Patience: 1));
            using var trainer = Make(model, new Scripted(rule, 5, 4, 3, 2, 1), schedule: [plateau]);
            trainer.Run();
            Assert.Equal(falls, plateau.Rate(1, new PhaseStep(5, 5, 5)) < 1);
        }
    }

    [Fact]
    public void Evaluator_NetworkOfNaN_GivesUndefinedValues()
    {
        using var model = new TinyModel();
        using (no_grad())
            model.parameters().First().fill_(float.NaN);
        using var loader = new TinyLoader(new TinyDataset(30), 7, shuffle: false, noise: 0);
        var evaluator = new Evaluator
        {
            Loader = loader,
            Device = CPU,
            Metrics = new Dictionary<string, Metric>
            {
                ["f1"] = new PrecisionRecallF1Metric(new PrecisionRecallF1Options()),
                ["top1"] = new AccuracyMetric(new AccuracyOptions()),
            },
        };
        var values = evaluator.Run(model);
        Assert.NotEmpty(values);
        Assert.All(values.Values, value => Assert.True(double.IsNaN(value)));
        Assert.Contains("not finite (NaN or infinite) for 30 of 30 images, first ", evaluator.NonFinite.Text, StringComparison.Ordinal);
    }

    private Trainer Make(TinyModel model, Scripted metric, Hook? hook = null, IReadOnlyList<Schedule>? schedule = null) =>
        new(
            new TrainerParts
            {
                Model = model,
                TrainLoader = TrainerTests.Loader(8),
                Loop = TrainerTests.Epochs(metric.Length),
                Optimizers = new Dictionary<string, OptimizerFactory>
                {
                    [RunOptimizers.OnlyName] = TestComponents.Build<OptimizerFactory>("""{ "type": "Sgd", "lr": 0.01 }"""),
                },
                Schedule = schedule ?? [],
                Hooks = hook is null ? [] : new Dictionary<string, Hook> { ["hook"] = hook },
                ValLoader = new TinyLoader(new TinyDataset(30), 7, shuffle: false, noise: 0),
                Metrics = new Dictionary<string, Metric> { ["scripted"] = metric },
                WorkDir = _folder.Path,
                Seed = 3,
            }
        );

    /// <summary>Gives one value after another, an evaluation each.</summary>
    private sealed class Scripted(MetricRule? rule, params double[] values) : Metric
    {
        private int _evaluation = -1;
        private bool _fresh;

        public int Length => values.Length;

        public override MetricRule? RuleOf(string name) => rule;

        public override void Reset(DataInfo info) => _fresh = true;

        public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
        {
            if (_fresh)
                _evaluation++;
            _fresh = false;
        }

        public override IReadOnlyDictionary<string, double> Compute() =>
            new Dictionary<string, double> { ["error"] = values[Math.Max(0, _evaluation)] };

        public override byte[] Save() => [];

        public override void Merge(ReadOnlySpan<byte> saved) { }
    }
}
