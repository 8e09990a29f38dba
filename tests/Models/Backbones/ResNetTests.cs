using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

public sealed class ResNetTests
{
    [Theory]
    [InlineData(""" "output_stride": 16 """, new[] { 4, 8, 16, 16 })]
    [InlineData(""" "output_stride": 8 """, new[] { 4, 8, 8, 8 })]
    [InlineData(""" "output_stride": 8, "stem": "small" """, new[] { 1, 2, 4, 8 })]
    [InlineData(""" "strides": [2, 2, 1, 1], "dilations": [1, 1, 2, 4] """, new[] { 8, 16, 16, 16 })]
    public void OutStrides_FollowTheOptions(string options, int[] expected)
    {
        using var model = Build.From<Backbone>($$"""{ "type": "ResNet", "depth": 18, "base_channels": 4, {{options}} }""");
        Assert.Equal(expected, model.OutStrides);
    }

    [Theory]
    [InlineData(8, "standard", 75, 53)]
    [InlineData(16, "standard", 1, 1)]
    [InlineData(16, "deep", 97, 33)]
    [InlineData(8, "deep", 127, 201)]
    [InlineData(32, "deep", 31, 65)]
    public void Forward_OddSize_GivesEveryStrideRoundedUp(int outputStride, string stem, int height, int width)
    {
        using var model = Formula.Fill(
            Build.From<Backbone>(
                $$"""{ "type": "ResNet", "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 2, 3], "output_stride": {{outputStride}}, "stem": "{{stem}}", "avg_down": true, "multi_grid": [1, 2, 4] }"""
            )
        );
        model.eval();
        using var scope = NewDisposeScope();
        foreach (var (i, map) in model.call(Formula.Values("images", 1, 3, height, width)).Index())
        {
            var stride = model.OutStrides[i];
            Assert.Equal([1, model.OutChannels[i], (height + stride - 1) / stride, (width + stride - 1) / stride], map.shape);
            Assert.True(map.isfinite().all().item<bool>());
        }
    }

    [Fact]
    public void MultiGrid_MultipliesTheLastStagesDilation()
    {
        var plan = new ResNetPlan(new ResNetOptions(50, OutputStride: 16, MultiGrid: [1, 2, 4]));
        Assert.Equal([2, 4, 8], plan.Stages[3].Dilations);
        Assert.Equal([1, 1, 1, 1, 1, 1], plan.Stages[2].Dilations);
    }

    [Fact]
    public void ContractDilation_FirstBlock_KeepsTheStageBefore()
    {
        Assert.Equal([1, 2, 2, 2, 2, 2], new ResNetPlan(new ResNetOptions(50, OutputStride: 8)).Stages[2].Dilations);
        Assert.Equal([2, 4, 4], new ResNetPlan(new ResNetOptions(50, OutputStride: 8)).Stages[3].Dilations);
        Assert.Equal([4, 4, 4], new ResNetPlan(new ResNetOptions(50, OutputStride: 8, ContractDilation: false)).Stages[3].Dilations);
    }

    [Theory]
    [InlineData("first", new[] { 1, 1 }, new[] { 2, 1 }, new[] { 2, 1 }, new[] { 4, 1 })] // MMSegmentation
    [InlineData("both", new[] { 1, 1 }, new[] { 2, 2 }, new[] { 2, 2 }, new[] { 4, 4 })]
    [InlineData("uncontracted", new[] { 1, 2 }, new[] { 2, 2 }, new[] { 2, 4 }, new[] { 4, 4 })] // timm
    public void BasicDilation_SaysWhichConvolutionsAreDilated(string option, int[] third0, int[] third1, int[] fourth0, int[] fourth1)
    {
        using var model = Build.From<Backbone>(
            $$"""{ "type": "ResNet", "depth": 18, "base_channels": 4, "output_stride": 8, "basic_dilation": "{{option}}" }"""
        );
        var layers = model.named_modules().ToDictionary(child => child.name, child => child.module);
        int[] Of(string block) =>
            [.. new[] { "conv1", "conv2" }.Select(name => (int)((TorchSharp.Modules.Conv2d)layers[$"{block}.{name}"]).dilation![0])];
        Assert.Equal([third0, third1, fourth0, fourth1], new[] { "layer3.0", "layer3.1", "layer4.0", "layer4.1" }.Select(Of));
    }

    [Fact]
    public void Style_Caffe_StridesTheFirstConvolution()
    {
        using var caffe = Build.From<Backbone>("""{ "type": "ResNet", "depth": 50, "base_channels": 4, "style": "caffe" }""");
        var layers = caffe.named_modules().ToDictionary(child => child.name, child => child.module);
        long Stride(string name) => ((TorchSharp.Modules.Conv2d)layers[name]).stride![0];
        Assert.Equal((2, 1), (Stride("layer2.0.conv1"), Stride("layer2.0.conv2")));
        Assert.Equal((1, 1), (Stride("layer2.1.conv1"), Stride("layer2.1.conv2")));
    }

    [Fact]
    public void FrozenStages_KeepWeightsAndStatistics()
    {
        using var model = Build.From<Backbone>("""{ "type": "ResNet", "depth": 18, "base_channels": 4, "frozen_stages": 1 }""");
        model.train();
        using var scope = NewDisposeScope();
        var before = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        _ = model.call(Formula.Values("images", 2, 3, 32, 32));
        foreach (var (name, parameter) in model.named_parameters())
            Assert.Equal(!IsFrozen(name), parameter.requires_grad);
        foreach (
            var (name, buffer) in model.named_buffers().Where(buffer => buffer.name.EndsWith("running_mean", StringComparison.Ordinal))
        )
            Assert.Equal(IsFrozen(name), buffer.equal(before[name]).all().item<bool>());

        static bool IsFrozen(string name) =>
            name.StartsWith("conv1", StringComparison.Ordinal)
            || name.StartsWith("bn1", StringComparison.Ordinal)
            || name.StartsWith("layer1", StringComparison.Ordinal);
    }

    [Fact]
    public void NormEval_Training_MovesNoStatistics()
    {
        using var model = Build.From<Backbone>("""{ "type": "ResNet", "depth": 18, "base_channels": 4, "norm_eval": true }""");
        model.train();
        using var scope = NewDisposeScope();
        _ = model.call(Formula.Values("images", 2, 3, 32, 32));
        Assert.All(
            model.named_buffers().Where(buffer => buffer.name.EndsWith("running_mean", StringComparison.Ordinal)),
            buffer => Assert.Equal(0, buffer.buffer.abs().sum().item<float>())
        );
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void ZeroInitResidual_BlocksStartAsTheirShortcuts()
    {
        using var model = Build.From<Backbone>("""{ "type": "ResNet", "depth": 50, "base_channels": 4, "stage_blocks": [2] }""");
        model.eval();
        using var scope = NewDisposeScope();
        using var first = model.Tap("layer1.0");
        var output = model.call(Formula.Values("images", 1, 3, 32, 32))[0];
        Assert.True(output.equal(first.Value).all().item<bool>()); // relu(0 + x) of an x that is not negative
    }

    [Fact]
    public void MmlabKeys_OfADeepStem_AreRead()
    {
        using var model = Build.From<Backbone>("""{ "type": "ResNet", "depth": 50, "base_channels": 4, "stem": "deep" }""");
        var map = model.KeyMaps["mmlab"];
        Assert.Equal("bn1.weight", map.Rename("backbone.stem.7.weight"));
        Assert.Equal("conv1.3.weight", map.Rename("stem.3.weight"));
        Assert.Equal("layer3.5.bn2.running_var", map.Rename("backbone.layer3.5.bn2.running_var"));
        Assert.Equal("backbone.stem.7.weight", map.Publish!("bn1.weight"));
    }

    /// <summary>Every name of MMSegmentation's ResNetV1c (open-mmlab://resnet50_v1c), and none besides.</summary>
    [Fact]
    public void MmlabKeys_OfResNetV1c_AreAllOfThem()
    {
        using var model = Build.From<Backbone>(
            """{ "type": "ResNet", "depth": 50, "base_channels": 4, "stem": "deep", "output_stride": 8 }"""
        );
        var expected = new List<string>();
        foreach (var (conv, norm) in new[] { ("stem.0", "stem.1"), ("stem.3", "stem.4"), ("stem.6", "stem.7") })
            Add(conv, norm);
        foreach (var (stage, blocks) in new[] { (1, 3), (2, 4), (3, 6), (4, 3) })
        {
            for (var block = 0; block < blocks; block++)
            {
                for (var i = 1; i <= 3; i++)
                    Add($"layer{stage}.{block}.conv{i}", $"layer{stage}.{block}.bn{i}");
                if (block == 0)
                    Add($"layer{stage}.0.downsample.0", $"layer{stage}.0.downsample.1");
            }
        }
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            model.state_dict().Keys.Select(key => model.KeyMaps["mmlab"].Publish!(key)!).Order(StringComparer.Ordinal)
        );

        void Add(string conv, string norm)
        {
            expected.Add($"backbone.{conv}.weight");
            foreach (var part in new[] { "weight", "bias", "running_mean", "running_var", "num_batches_tracked" })
                expected.Add($"backbone.{norm}.{part}");
        }
    }

    [Theory]
    [InlineData(""" "depth": 18, "groups": 2 """, "belong to bottlenecks")]
    [InlineData(""" "output_stride": 8, "strides": [1, 2, 2, 2] """, "not both")]
    [InlineData(""" "strides": [1, 2] """, "strides has 2 values, but there are 4 stages")]
    [InlineData(""" "out_indices": [2, 1] """, "must rise")]
    [InlineData(""" "multi_grid": [1, 2] """, "the last stage has 3 blocks")]
    [InlineData(""" "frozen_stages": 5 """, "there are 4 stages")]
    public void Options_ThatContradict_AreTheUsersMistake(string options, string message) =>
        Assert.Contains(
            message,
            Assert.Throws<UserErrorException>(() => Build.From<Backbone>($$"""{ "type": "ResNet", {{options}} }""")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void CifarResNet_ImpossibleDepth_IsTheUsersMistake() =>
        Assert.Contains(
            "6n + 2",
            Assert.Throws<UserErrorException>(() => new CifarResNet(new CifarResNetOptions(21))).Message,
            StringComparison.Ordinal
        );
}
