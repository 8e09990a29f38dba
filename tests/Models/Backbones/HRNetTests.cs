using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using static TorchSharp.torch;
using Module = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Tessera.Tests.Models.Backbones;

public sealed class HRNetTests
{
    private const string Tiny =
        """ "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1] """;

    [Theory]
    [InlineData(1, 1, "nearest")]
    [InlineData(7, 3, "bilinear")]
    [InlineData(33, 97, "nearest")]
    [InlineData(127, 65, "nearest")]
    [InlineData(127, 65, "bilinear")]
    public void Forward_AnySize_GivesEveryStrideRoundedUp(int height, int width, string upsample)
    {
        using var model = Formula.Fill(Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}}, "upsample": "{{upsample}}" }"""));
        model.eval();
        using var scope = NewDisposeScope();
        var maps = model.call(Formula.Values("images", 1, 3, height, width));
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal([1, 4 << i, (height + (4 << i) - 1) / (4 << i), (width + (4 << i) - 1) / (4 << i)], maps[i].shape);
            Assert.True(maps[i].isfinite().all().item<bool>());
        }
    }

    [Fact]
    public void Fusion_OddSize_EnlargesByRepeatingPixels()
    {
        using var module = Formula.Fill(new HRNetModule([3, 6, 12], 1, 3, new HRNetOptions()));
        module.eval();
        var layers = module.named_modules().Where(m => m.module is Module).ToDictionary(m => m.name, m => (Module)m.module);
        using var scope = NewDisposeScope();
        Tensor[] maps = [Map(3, 5, 7), Map(6, 3, 4), Map(12, 2, 2)];
        var branches = maps.Select((map, i) => layers[$"branches.{i}"].call(map)).ToArray();
        var expected = branches[0];
        for (var from = 1; from < 3; from++)
        {
            using var rows = tensor(Enumerable.Range(0, 5).Select(y => (long)(y >> from)).ToArray());
            using var columns = tensor(Enumerable.Range(0, 7).Select(x => (long)(x >> from)).ToArray());
            expected = expected + layers[$"fuse_layers.0.{from}"].call(branches[from]).index_select(2, rows).index_select(3, columns);
        }
        Assert.True(expected.relu().allclose(module.call(maps)[0], 1e-5, 1e-6));

        static Tensor Map(int channels, int height, int width) => Formula.Values("images", 2, channels, height, width);
    }

    [Fact]
    public void MultiScaleOutput_Off_BuildsOnlyWhatTheFirstMapNeeds()
    {
        using var all = Formula.Fill(Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}} }"""));
        using var one = Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}}, "multi_scale_output": false }""");
        var left = all.state_dict().Keys.Except(one.state_dict().Keys).ToArray();
        Assert.NotEmpty(left);
        Assert.All(left, key => Assert.Matches(@"^stage4\.0\.fuse_layers\.[123]\.", key));
        using var scope = NewDisposeScope();
        one.load_state_dict(all.state_dict().Where(pair => !left.Contains(pair.Key)).ToDictionary());
        all.eval();
        one.eval();
        var images = Formula.Values("images", 1, 3, 50, 70);
        Assert.True(all.call(images)[0].equal(Assert.Single(one.call(images))).all().item<bool>());
    }

    [Fact]
    public void Segmentation_BuildsNothingOfTheClassifier()
    {
        using var model = Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}} }""");
        Assert.DoesNotContain(
            model.state_dict().Keys,
            key =>
                key.Contains("incre", StringComparison.Ordinal)
                || key.Contains("final", StringComparison.Ordinal)
                || key.Contains("downsamp_", StringComparison.Ordinal)
        );
        Assert.Equal([4, 8, 16, 32], model.OutChannels);
    }

    [Fact]
    public void FrozenStages_KeepWeightsAndStatistics()
    {
        using var model = Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}}, "frozen_stages": 2 }""");
        model.train();
        using var scope = NewDisposeScope();
        var before = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        _ = model.call(Formula.Values("images", 2, 3, 64, 64));
        foreach (var (name, parameter) in model.named_parameters())
            Assert.Equal(!IsFrozen(name), parameter.requires_grad);
        foreach (
            var (name, buffer) in model.named_buffers().Where(buffer => buffer.name.EndsWith("running_mean", StringComparison.Ordinal))
        )
            Assert.Equal(IsFrozen(name), buffer.equal(before[name]).all().item<bool>());

        static bool IsFrozen(string name) =>
            !name.StartsWith("transition2", StringComparison.Ordinal)
            && !name.StartsWith("transition3", StringComparison.Ordinal)
            && !name.StartsWith("stage3", StringComparison.Ordinal)
            && !name.StartsWith("stage4", StringComparison.Ordinal);
    }

    [Fact]
    public void NormEval_Training_MovesNoStatistics()
    {
        using var model = Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}}, "norm_eval": true }""");
        model.train();
        using var scope = NewDisposeScope();
        _ = model.call(Formula.Values("images", 2, 3, 64, 64));
        Assert.All(
            model.named_buffers().Where(buffer => buffer.name.EndsWith("running_mean", StringComparison.Ordinal)),
            buffer => Assert.Equal(0, buffer.buffer.abs().sum().item<float>())
        );
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void ZeroInitResidual_LastNormOfEveryBranchIsZero()
    {
        using var model = Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}}, "zero_init_residual": true }""");
        var state = model.state_dict();
        Assert.Equal(0, state["layer1.0.bn3.weight"].abs().sum().item<float>());
        Assert.Equal(0, state["stage4.0.branches.3.0.bn2.weight"].abs().sum().item<float>());
        Assert.Equal(4, state["stage4.0.branches.0.0.bn1.weight"].sum().item<float>());
    }

    [Fact]
    public void MmlabKeys_OfAClassifier_AreRead()
    {
        using var model = Build.From<Backbone>($$"""{ "type": "HRNet", {{Tiny}}, "classification": true }""");
        var map = model.KeyMaps["mmlab"];
        var keys = model.state_dict().Keys.ToArray();
        foreach (
            var (foreign, own) in new[]
            {
                ("backbone.stage3.0.fuse_layers.2.0.0.1.weight", "stage3.0.fuse_layers.2.0.0.1.weight"),
                ("neck.increase_layers.3.0.downsample.0.weight", "incre_modules.3.0.downsample.0.weight"),
                ("neck.downsample_layers.2.conv.weight", "downsamp_modules.2.0.weight"),
                ("neck.downsample_layers.2.bn.running_var", "downsamp_modules.2.1.running_var"),
                ("neck.final_layer.bn.bias", "final_layer.1.bias"),
            }
        )
        {
            Assert.Equal(own, map.Rename(foreign));
            Assert.Contains(own, keys);
        }
    }

    [Theory]
    [InlineData(""" "stage_modules": [1, 0, 1] """, "stage_modules must be 3 numbers")]
    [InlineData(""" "classification": true, "multi_scale_output": false """, "can't go with multi_scale_output")]
    public void Options_ThatContradict_AreTheUsersMistake(string options, string message) =>
        Assert.Contains(
            message,
            Assert.Throws<UserErrorException>(() => Build.From<Backbone>($$"""{ "type": "HRNet", {{options}} }""")).Message,
            StringComparison.Ordinal
        );
}
