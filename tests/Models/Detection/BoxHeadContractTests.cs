using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Heads;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>What every registered head of detectors promises, and what anchors are.</summary>
public sealed class BoxHeadContractTests
{
    private static readonly DataInfo Info = Build.Classes(4, DataTask.Detection);

    public static TheoryData<string> Heads() => [.. Build.Registry.For(typeof(BoxHead)).Select(head => head.Name)];

    [Theory]
    [MemberData(nameof(Heads))]
    public void Head_StateIntoAnother_GivesSameLossesAndCandidates(string name)
    {
        var source = new Source([8, 16]);
        using var first = Formula.Fill(
            Build.From<BoxHead>($$"""{ "type": "{{name}}", "feat_channels": 32, "stacked_convs": 2 }""", source, Info)
        );
        using var second = Build.From<BoxHead>($$"""{ "type": "{{name}}", "feat_channels": 32, "stacked_convs": 2 }""", source, Info);
        second.load_state_dict(first.state_dict());
        using var scope = NewDisposeScope();
        Tensor[] maps = [Formula.Values("images", 2, 256, 8, 12), Formula.Values("images", 2, 256, 4, 6)];
        var truth = new TruthBoxes(BoxArray.Of([5, 5, 40, 40]), [3], BoxArray.Empty);
        var (a, b) = (first.call(maps), second.call(maps));
        Assert.Equal(
            first.Losses(a, [truth, truth], (64, 96)).Values.Select(l => l.item<float>()),
            second.Losses(b, [truth, truth], (64, 96)).Values.Select(l => l.item<float>())
        );
        var limits = new CandidateLimits(0.01f, 20);
        foreach (var (x, y) in first.Candidates(a, (64, 96), limits).Zip(second.Candidates(b, (64, 96), limits)))
        {
            Assert.InRange(x.Count, 1, 40);
            Assert.Equal(x.Corners, y.Corners);
            Assert.Equal(x.Scores, y.Scores);
            Assert.Equal(x.Labels, y.Labels);
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Head_AtFirst_SeesEverythingWithThePriorProbability(string name)
    {
        using var head = Build.From<BoxHead>(
            $$"""{ "type": "{{name}}", "feat_channels": 32, "prior_prob": 0.02 }""",
            new Source([8]),
            Info
        );
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Assert.InRange(head.call([Formula.Values("images", 1, 256, 8, 8)])[0].sigmoid().mean().item<float>(), 0.015f, 0.025f);
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Head_OtherNumberOfClasses_IsTheUsersMistake(string name) =>
        Assert.Contains(
            "num_classes is 9, but the data has 4 classes.",
            Assert
                .Throws<UserErrorException>(() =>
                    Build.From<BoxHead>($$"""{ "type": "{{name}}", "num_classes": 9 }""", new Source([8]), Info)
                )
                .Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("""{ "type": "GflHead", "loss_cls": { "type": "FocalLoss" } }""", "needs targets between 0 and 1")]
    [InlineData("""{ "type": "RtmdetHead", "loss_cls": { "type": "FocalLoss" } }""", "needs targets between 0 and 1")]
    [InlineData(
        """{ "type": "GflHead", "anchor_generator": { "type": "AnchorGenerator" } }""",
        "GflHead has one anchor a place; the anchor generator gives 9."
    )]
    [InlineData("""{ "type": "RtmdetHead", "pred_kernel_size": 2 }""", "pred_kernel_size must be odd, not 2.")]
    public void Head_PartsThatDisagree_AreTheUsersMistake(string head, string expected) =>
        Assert.Contains(
            expected,
            Assert.Throws<UserErrorException>(() => Build.From<BoxHead>(head, new Source([8]), Info)).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("AtssHead")]
    [InlineData("GflHead")]
    [InlineData("RtmdetHead")]
    public void Head_OtherNumberOfMaps_IsTheUsersMistake(string name)
    {
        using var head = Build.From<BoxHead>($$"""{ "type": "{{name}}", "feat_channels": 32 }""", new Source([8, 16]), Info);
        using var scope = NewDisposeScope();
        Assert.Equal(
            $"{name} was built for 2 maps; it gets 1.",
            Assert.Throws<UserErrorException>(() => head.call([Formula.Values("images", 1, 256, 8, 8)])).Message
        );
    }

    /// <summary>As published, by hand. Towers of 2 · 4 convolutions of 256 · 256 · 9 with norms of 2 · 256, or of 2 · 2 of 96 · 96 · 9 with
    /// norms of 2 · 96 for each of three maps.</summary>
    [Theory]
    [InlineData("AtssHead", 256, 5, (8 * ((256 * 256 * 9) + 512)) + (((256 * 9) + 1) * (80 + 4 + 1)) + 5)]
    [InlineData("GflHead", 256, 5, (8 * ((256 * 256 * 9) + 512)) + (((256 * 9) + 1) * (80 + (4 * 17))) + 5)]
    [InlineData("RtmdetHead", 96, 3, (4 * ((96 * 96 * 9) + (3 * 192))) + (3 * 97 * (80 + 4)))]
    public void Head_CocosClasses_HasThePublishedParameters(string name, int channels, int maps, int expected)
    {
        using var head = Build.From<BoxHead>(
            $$"""{ "type": "{{name}}", "feat_channels": {{channels}} }""",
            new SameSource([.. Enumerable.Range(0, maps).Select(_ => channels)]),
            Build.Classes(80, DataTask.Detection)
        );
        Assert.Equal(expected, head.parameters().Sum(parameter => parameter.numel()));
    }

    private sealed record SameSource(int[] Channels) : Tessera.Framework.Models.IFeatureSource
    {
        public IReadOnlyList<int> OutChannels => Channels;

        public IReadOnlyList<int> OutStrides { get; } = [.. Channels.Select((_, i) => 8 << i)];
    }

    /// <summary>An image without boxes counts as one positive, as in MMDetection: three positives and it make four.</summary>
    [Fact]
    public void AtLeastOne_ImageWithoutBoxes_CountsAsOne()
    {
        var grid = new AnchorGenerator(new(Scales: [1], Ratios: [1]), new Source([8])).Generate([(2, 3)], (16, 24));
        var truth = new TruthBoxes(BoxArray.Of([0, 0, 9, 9]), [1], BoxArray.Empty);
        var none = new TruthBoxes(BoxArray.Empty, [], BoxArray.Empty);
        int[][] assigned =
        [
            [0, 0, -1, 0, -1, -2],
            [-1, -1, -1, -1, -1, -1],
        ];
        using var scope = NewDisposeScope();
        float Weight(LossNorm norm) => new DenseTargets(grid, [truth, none], assigned, norm).Weights(CPU)[0].item<float>();
        Assert.Equal(1 / 4f, Weight(LossNorm.AtLeastOne));
        Assert.Equal(1 / 3f, Weight(LossNorm.Batch));
        Assert.Equal(1 / 6f, Weight(LossNorm.Image));
    }

    [Fact]
    public void Anchors_Octaves_ByHand()
    {
        // Stride 8, base scale 4: sides 32 and 32 √2; at ratio 4 half as wide and twice as high. Centres at (4, 4), (12, 4), …
        var grid = new AnchorGenerator(
            new(OctaveBaseScale: 4, ScalesPerOctave: 2, Ratios: [1, 4], CenterOffset: 0.5),
            new Source([8])
        ).Generate([(2, 3)], (16, 24));
        Assert.Equal(2 * 3 * 4, grid.Count);
        var corners = new float[4];
        grid.Boxes.CopyTo(0, corners);
        Assert.Equal([4 - 16f, 4 - 16, 4 + 16, 4 + 16], corners);
        grid.Boxes.CopyTo(2, corners); // ratio 4, the first scale
        Assert.Equal([4 - 8f, 4 - 32, 4 + 8, 4 + 32], corners);
        grid.Boxes.CopyTo(4, corners); // the next place in the row
        Assert.Equal([12 - 16f, 4 - 16, 12 + 16, 4 + 16], corners);
        grid.Boxes.CopyTo(12 + 1, corners); // the first of the next row, second scale
        var half = 16 * MathF.Sqrt(2);
        Assert.All(corners.Zip(new[] { 4 - half, 12 - half, 4 + half, 12 + half }), pair => Assert.Equal(pair.Second, pair.First, 1e-4f));
    }

    [Theory]
    [InlineData("\"scales\": [1], \"octave_base_scale\": 4", "one of the three")]
    [InlineData("\"strides\": [8, 32]", "strides are [8, 32], but the maps have [8, 16]")]
    [InlineData("\"base_sizes\": [8]", "base_sizes has 1 entries, but there are 2 maps")]
    [InlineData("\"sizes\": [[8], [16, 32]]", "same number of sizes")]
    [InlineData("\"sizes\": [[8], [-1]]", "above 0")]
    public void Anchors_OptionsThatDisagree_AreTheUsersMistake(string options, string expected) =>
        Assert.Contains(
            expected,
            Assert
                .Throws<UserErrorException>(() =>
                    Build.From<AnchorGeneratorBase>($$"""{ "type": "AnchorGenerator", {{options}} }""", new Source([8, 16]))
                )
                .Message,
            StringComparison.Ordinal
        );
}
