using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Models.Heads.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Heads;

/// <summary>What every segmentation head promises. A head joins by being registered.</summary>
public sealed class SegmentationHeadTests
{
    private const int Classes = 5;

    // A head's forms, narrowed to few channels.
    private static readonly Dictionary<string, string[]> _forms = new()
    {
        ["FcnHead"] =
        [
            """{ "channels": 6 }""",
            """{ "num_convs": 0, "concat_input": false, "in_index": [0, 1], "align_corners": true }""",
            """{ "channels": 6, "num_convs": 1, "kernel_size": 1, "concat_input": false, "in_index": -2, "in_channels": 12 }""",
        ],
        ["AsppHead"] = ["""{ "channels": 6 }""", """{ "channels": 6, "dilations": [1, 2], "project": true, "align_corners": true }"""],
        ["SepAsppHead"] =
        [
            """{ "channels": 6, "c1_channels": 5 }""",
            """{ "channels": 6, "c1_index": 1, "c1_in_channels": 12, "dilations": [1, 3] }""",
        ],
        ["PspHead"] = ["""{ "channels": 6 }""", """{ "channels": 6, "pool_scales": [1, 5], "align_corners": true, "dropout": 0 }"""],
        ["ConcatHead"] = ["{ }", """{ "channels": 7, "kernel_size": 3, "in_index": [1, 2] }"""],
        ["OcrHead"] =
        [
            """{ "channels": 8, "ocr_channels": 6 }""",
            """{ "channels": 8, "ocr_channels": 6, "in_index": [0, 2], "scale": 2 }""",
        ],
        ["UPerHead"] =
        [
            """{ "channels": 6 }""",
            """{ "channels": 6, "pool_scales": [1, 5], "in_index": [1, -1], "in_channels": [12, 16], "align_corners": true, "dropout": 0 }""",
        ],
        ["FpnHead"] =
        [
            """{ "channels": 6, "feature_strides": [4, 8, 16] }""",
            """{ "channels": 6, "in_index": [0, 0, 2], "align_corners": true }""",
        ],
        ["SegformerHead"] = ["""{ "channels": 6 }""", """{ "channels": 6, "plain": true, "in_index": [0, 2], "align_corners": true }"""],
    };

    public static TheoryData<string> Heads()
    {
        var data = new TheoryData<string>();
        foreach (var component in Build.Registry.For(typeof(SegmentationHead)))
        {
            if (!_forms.TryGetValue(component.Name, out var forms))
                throw new InvalidOperationException($"Say in _forms how {component.Name} is built small.");
            foreach (var form in forms)
                data.Add($$"""{ "type": "{{component.Name}}", {{form.Trim()[1..]}}""");
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Head_AnyMapSize_GivesFiniteLogitsAtTheMapsSizeAndLossesAtTheLabels(string config)
    {
        using var source = new Source();
        using var head = Formula.Fill(Build.From<SegmentationHead>(config, source, Info()));
        foreach (var (height, width) in new[] { (9, 12), (1, 1), (2, 7), (3, 5) })
        {
            foreach (var batch in new[] { 1, 2 })
            {
                using var scope = NewDisposeScope();
                var logits = head.call(Maps(head, batch, height, width));
                Assert.Equal([batch, Classes], logits.shape[..2]);
                Assert.True(logits.isfinite().all().item<bool>());
                var labels = zeros([batch, 17, 33], dtype: ScalarType.Int64);
                Assert.True(double.IsFinite(head.Losses(logits, new LossTargets(labels), default)["loss"].item<float>()));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Head_Backward_ReachesEveryParameter(string config)
    {
        using var source = new Source();
        using var head = Formula.Fill(Build.From<SegmentationHead>(config, source, Info()));
        head.eval(); // where a norm subtracts the batch's mean, a bias before it has no gradient
        using var scope = NewDisposeScope();
        var logits = head.call(Maps(head, 2, 9, 12));
        (logits * Formula.Values("images", logits.shape)).sum().backward();
        foreach (var (name, parameter) in head.named_parameters())
            Assert.True(
                parameter.grad is { } gradient && gradient.isfinite().all().item<bool>() && gradient.abs().sum().item<float>() > 0,
                name
            );
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Head_ThatDisagreesWithTheData_IsTheUsersMistake(string config)
    {
        using var source = new Source();
        string Throws(string more, DataInfo info) =>
            Assert
                .Throws<UserErrorException>(() => Build.From<SegmentationHead>(config[..^1].TrimEnd(' ', ',') + more, source, info))
                .Message;
        Assert.Contains(
            "num_classes is 7, but the data has 5 classes",
            Throws(""", "num_classes": 7 }""", Info()),
            StringComparison.Ordinal
        );
        Assert.Contains("needs data with segmentation maps", Throws("}", Build.Classes(3)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""" "in_index": 3 """, "in_index is 3, but there are 3 maps, with [8, 12, 16] channels")]
    [InlineData(""" "in_index": [0, -4] """, "in_index is [0, -4]")]
    [InlineData(""" "in_channels": 99 """, "in_channels is 99, but the maps 2 have 16")]
    [InlineData(""" "in_index": [0, 1], "in_channels": [8, 16] """, "in_channels is [8, 16], but the maps [0, 1] have [8, 12]")]
    public void Head_MapsThatAreNotThere_SaysWhichAre(string options, string message)
    {
        using var source = new Source();
        var mistake = Assert.Throws<UserErrorException>(() =>
            Build.From<SegmentationHead>($$"""{ "type": "FcnHead", {{options}} }""", source, Info())
        );
        Assert.Contains(message, mistake.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "UPerHead",
        """ "in_index": 2 """,
        "UPerHead takes two maps or more, but in_index is 2; there are 3 maps. For example: \"in_index\": [0, 1, 2]."
    )]
    [InlineData(
        "SegformerHead",
        """ "in_index": [0, 3] """,
        "SegformerHead: in_index is [0, 3], but there are 3 maps, with [8, 12, 16] channels"
    )]
    [InlineData(
        "SegformerHead",
        """ "in_channels": [8, 12] """,
        "SegformerHead: in_channels is [8, 12], but the maps [0, 1, 2] have [8, 12, 16]"
    )]
    [InlineData("UPerHead", """ "pool_scales": [1, 0] """, "UPerHead: pool_scales must lie in 1 .. 256, not [1, 0]")]
    [InlineData(
        "FpnHead",
        """ "feature_strides": [4, 8] """,
        "FpnHead: feature_strides is [4, 8], but the maps that it takes have strides [4, 8, 16]"
    )]
    [InlineData(
        "FpnHead",
        """ "in_index": [2, 0] """,
        "finest map first and others that are 1, 2, 4, 8 … times as coarse; the maps of in_index have strides [16, 4]"
    )]
    public void PyramidHead_MapsThatDontFit_SaysWhatWould(string head, string options, string message)
    {
        using var source = new Source();
        var mistake = Assert.Throws<UserErrorException>(() =>
            Build.From<SegmentationHead>($$"""{ "type": "{{head}}", "channels": 6, {{options}} }""", source, Info())
        );
        Assert.Contains(message, mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PyramidHead_OneMapOfABackbone_NamesTwoWaysOut()
    {
        using var source = Build.From<Backbone>("""{ "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [3] }""");
        var mistake = Assert.Throws<UserErrorException>(() => Build.From<SegmentationHead>("""{ "type": "UPerHead" }""", source, Info()));
        Assert.Contains("the backbone gives one", mistake.Message, StringComparison.Ordinal);
        Assert.Contains("\"out_indices\"", mistake.Message, StringComparison.Ordinal);
        Assert.Contains("MultiLevelNeck", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PooledBranches_OneImageInTraining_LeaveTheRunningStatisticsAlone()
    {
        using var source = new Source();
        using var head = Formula.Fill(Build.From<AsppHead>("""{ "type": "AsppHead", "channels": 6, "dropout": 0 }""", source, Info()));
        SingleValueNorms.Attach(head); // as every run does
        using var scope = NewDisposeScope();
        var before = head.state_dict()["image_pool.1.bn.running_mean"].clone();
        var logits = head.call(Maps(head, 1, 6, 6));
        Assert.True(before.equal(head.state_dict()["image_pool.1.bn.running_mean"]).all().item<bool>());
        logits.sum().backward();
        var pooled = head.named_parameters().Single(parameter => parameter.name == "image_pool.1.conv.weight").parameter;
        Assert.True(pooled.grad!.abs().sum().item<float>() > 0);

        _ = head.call(Maps(head, 2, 6, 6)); // two images have a mean
        Assert.False(before.equal(head.state_dict()["image_pool.1.bn.running_mean"]).all().item<bool>());
    }

    [Fact]
    public void OcrHead_PriorSureOfOneClass_GathersThatRegionsMean()
    {
        // One class whose logits are equal everywhere: its region is the whole map, so every pixel finds the same there.
        using var source = new Source();
        using var head = Formula.Fill(
            Build.From<OcrHead>(
                """{ "type": "OcrHead", "channels": 8, "ocr_channels": 6 }""",
                source,
                Build.Classes(1, DataTask.Segmentation)
            )
        );
        head.eval();
        using var scope = NewDisposeScope();
        using var found = head.Tap("object_context_block.out_project");
        using var pixels = head.Tap("bottleneck");
        var maps = Maps(head, 1, 4, 5);
        maps[^1] = full([1, 1, 4, 5], 3f);
        _ = head.call(maps);
        var first = found.Value.narrow(2, 0, 1).narrow(3, 0, 1);
        Assert.True(found.Value.sub(first).abs().max().item<float>() < 1e-6);
        // The same by hand: mean of the pixels, through value_project and out_project.
        var modules = head.named_modules().ToDictionary(m => m.name, m => m.module);
        var mean = pixels.Value.mean([2, 3], keepdim: true);
        var value = ((nn.Module<Tensor, Tensor>)modules["object_context_block.value_project"]).call(mean);
        var expected = ((nn.Module<Tensor, Tensor>)modules["object_context_block.out_project"]).call(value);
        Assert.True(expected.sub(first).abs().max().item<float>() < 1e-5);
    }

    [Theory]
    [InlineData("""{ "type": "ProjectionHead", "dim": 7 }""", 36)]
    [InlineData("""{ "type": "ProjectionHead", "dim": 3, "projection": "linear", "in_index": 1 }""", 12)]
    [InlineData("""{ "type": "ProjectionHead", "dim": 1, "in_index": [0, 2], "in_channels": [8, 16] }""", 24)]
    public void ProjectionHead_AnyDimension_GivesUnitVectorsAndFiniteGradients(string config, int width)
    {
        using var source = new Source();
        using var head = Build.From<ProjectionHead>(config, source);
        using var scope = NewDisposeScope();
        Assert.Equal(width, head.parameters().First().shape[1]);
        var maps = Source.Maps(2, 6, 8);
        var features = head.call(maps);
        Assert.Equal([2, width, maps[config.Contains("\"in_index\": 1", StringComparison.Ordinal) ? 1 : 0].shape[2]], features.shape[..3]);
        var embeddings = head.Embed(Rows(features));
        Assert.Equal([features.numel() / width, head.Dim], embeddings.shape);
        Assert.Equal([0, head.Dim], head.Embed(Rows(features).narrow(0, 0, 0)).shape);
        Assert.True(embeddings.square().sum([1]).sub(1).abs().max().item<float>() < 1e-5);

        // A vector of zeros stays finite, forwards and backwards.
        foreach (var parameter in head.parameters())
            parameter.requires_grad_(false).zero_();
        var zero = Source.Maps(2, 6, 8).Select(map => map.requires_grad_()).ToArray();
        var nothing = head.Embed(Rows(head.call(zero)));
        Assert.Equal(0, nothing.abs().max().item<float>());
        nothing.sum().backward();
        Assert.All(zero.Where(map => map.grad is not null), map => Assert.True(map.grad!.isfinite().all().item<bool>()));

        static Tensor Rows(Tensor map) => map.permute(0, 2, 3, 1).reshape(-1, map.shape[1]);
    }

    private static DataInfo Info() => Build.Classes(Classes, DataTask.Segmentation);

    private static Tensor[] Maps(SegmentationHead head, int batch, int height, int width)
    {
        var maps = Source.Maps(batch, height, width);
        return head.WantsPrior ? [.. maps, Formula.Values("images", batch, head.Classes, (height + 1) / 2, (width + 1) / 2)] : maps;
    }

    /// <summary>Three maps, each half the size of the one before.</summary>
    private sealed class Source() : Backbone(nameof(Source))
    {
        public override IReadOnlyList<int> OutChannels => [8, 12, 16];

        public override IReadOnlyList<int> OutStrides => [4, 8, 16];

        public static Tensor[] Maps(int batch, int height, int width) =>
            [
                Formula.Values("images", batch, 8, height, width),
                Formula.Values("images", batch, 12, (height + 1) / 2, (width + 1) / 2),
                Formula.Values("images", batch, 16, (height + 3) / 4, (width + 3) / 4),
            ];

        public override Tensor[] forward(Tensor images) => Maps((int)images.shape[0], 9, 12);
    }
}
