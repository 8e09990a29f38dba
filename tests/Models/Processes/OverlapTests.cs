using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Processes;

/// <summary>Gradients that travel while backward runs are those that are averaged after it.</summary>
[Collection(ProcessWide.Name)]
public sealed class OverlapTests
{
    private const string Vit =
        """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 4, "num_heads": 2, "image_size": 64, "patch_size": 16 }""";

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Run_OnEveryBackbone_EqualsAveragingAfterBackward(string config)
    {
        using (var backbone = Build.From<Backbone>(config))
            if (!backbone.parameters().Any())
                return;
        var (plain, none) = Train(() => new MapsModel(Build.From<Backbone>(config)), overlap: false);
        var (travelled, buckets) = Train(() => new MapsModel(Build.From<Backbone>(config)), overlap: true);
        Assert.Equal((0, 0), none);
        Assert.Equal(plain, travelled);
        // Earlier maps of a Swin and a ConvNeXt have norms of their own, which count as last and get their gradients late: this is noticed.
        using var again = Build.From<Backbone>(config);
        var norms = new[] { "SwinTransformer", "ConvNeXt" }.Any(name => config.Contains(name, StringComparison.Ordinal));
        var normsMaps = norms && again.OutChannels.Count > 1;
        Assert.True(
            normsMaps || again.LayersByDepth.Blocks < 2 || buckets.Early > 0,
            $"{buckets.Early} of {buckets.All} buckets were early"
        );
    }

    [Fact]
    public void Run_AccumulatingTwoBatches_EqualsAveragingAfterBackward()
    {
        var (plain, _) = Train(() => new MapsModel(Build.From<Backbone>(Vit)), overlap: false, accumulate: 2);
        var (travelled, buckets) = Train(() => new MapsModel(Build.From<Backbone>(Vit)), overlap: true, accumulate: 2);
        Assert.Equal(plain, travelled);
        Assert.True(buckets.Early > 0);
    }

    [Fact]
    public void Run_FrozenBeginning_EqualsAveragingAfterBackward()
    {
        StepOptions options = new(Freeze: ["backbone.patch_embed", "backbone.pos_embed", "backbone.cls_token", "backbone.blocks.0"]);
        var (plain, _) = Train(() => new MapsModel(Build.From<Backbone>(Vit)), overlap: false, options: options);
        var (travelled, buckets) = Train(() => new MapsModel(Build.From<Backbone>(Vit)), overlap: true, options: options);
        Assert.Equal(plain, travelled);
        Assert.True(buckets.Early > 0);
    }

    // The head sees the third block alone, so that the fourth and the norm have no gradient.
    [Fact]
    public void Run_ParametersWithoutGradient_CountAsZero()
    {
        var config = Vit.Replace(
            "\"patch_size\": 16",
            "\"patch_size\": 16, \"features\": \"maps\", \"out_indices\": [1, 3]",
            StringComparison.Ordinal
        );
        var (plain, _) = Train(() => new MapsModel(Build.From<Backbone>(config)) { Maps = 1 }, overlap: false);
        var (travelled, _) = Train(() => new MapsModel(Build.From<Backbone>(config)) { Maps = 1 }, overlap: true);
        Assert.Equal(plain, travelled);
    }

    // Each block's gradient gets a second part from an earlier pass, after the marks of the later pass were reached.
    [Fact]
    public void Run_BackboneThatRunsTwice_TravelsAfterBackward()
    {
        var (plain, _) = Train(() => new MapsModel(Build.From<Backbone>(Vit)) { Passes = 2 }, overlap: false);
        var (travelled, buckets) = Train(() => new MapsModel(Build.From<Backbone>(Vit)) { Passes = 2 }, overlap: true);
        Assert.Equal(plain, travelled);
        Assert.Equal(0, buckets.Early);
        Assert.True(buckets.All > 1);
    }

    // A term of the last block's weights that was recorded before all blocks: backward comes to it last.
    [Fact]
    public void Run_GradientThatChangesAfterItWasSent_IsNoticed()
    {
        var (plain, _) = Train(() => new MapsModel(Build.From<Backbone>(Vit)) { Ties = "blocks.3.mlp.fc2.weight" }, overlap: false);
        var (travelled, buckets) = Train(
            () => new MapsModel(Build.From<Backbone>(Vit)) { Ties = "blocks.3.mlp.fc2.weight" },
            overlap: true
        );
        Assert.Equal(plain, travelled);
        Assert.Equal((0, 0), buckets); // no longer
    }

    private static (float[] Weights, (int Early, int All) Buckets) Train(
        Func<VisionModel> make,
        bool overlap,
        int accumulate = 1,
        StepOptions? options = null
    )
    {
        manual_seed(3);
        using var model = make();
        using var step = new TrainStep(
            new StepParts
            {
                Model = model,
                Optimizers = new Dictionary<string, OptimizerFactory>
                {
                    [OptimizerSet.OnlyName] = new Sgd(new SgdOptions(0.01, Momentum: 0.9)),
                },
                Step = (options ?? new StepOptions()) with { Accumulate = accumulate, ClipGrad = new ClipGradOptions(1) },
                Group = new TwinGroup(),
                Processes = new ProcessesOptions(overlap, BucketMb: 0.002),
            }
        );
        step.TrainMode();
        manual_seed(4);
        for (var i = 0; i < 2 * accumulate; i++)
        {
            using var batch = Build.Batch(4, 64, Build.Classes(3));
            using var scope = NewDisposeScope();
            batch.Images.add_(0.1 * i);
            step.Run(batch, new Progress(i / accumulate, 2, 0, 1), accumulate, completes: (i + 1) % accumulate == 0);
        }
        var weights = model.named_parameters().SelectMany(entry => entry.parameter.detach().reshape(-1).data<float>().ToArray());
        return ([.. weights], step.TravellingBuckets);
    }

    /// <summary>A backbone's maps, weighted by a formula.</summary>
    private sealed class MapsModel : VisionModel
    {
        private readonly Backbone backbone;

        public MapsModel(Backbone backbone)
            : base(nameof(MapsModel))
        {
            this.backbone = Formula.Fill(backbone);
            RegisterComponents();
        }

        /// <summary>How many of the maps count.</summary>
        public int Maps { get; init; } = int.MaxValue;

        /// <summary>How often the backbone runs.</summary>
        public int Passes { get; init; } = 1;

        /// <summary>A parameter with a term of its own, taken before the backbone runs.</summary>
        public string? Ties { get; init; }

        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public override LossMap Loss(Batch batch, Progress progress)
        {
            var total = Ties is null ? zeros(1).sum() : backbone.get_parameter(Ties)!.square().sum();
            for (var pass = 0; pass < Passes; pass++)
                foreach (var map in backbone.call(batch.Images + pass).Take(Maps))
                    total = total + (map * Formula.Values("images", map.shape)).mean();
            return new LossMap { ["sum"] = total };
        }

        public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();
    }
}
