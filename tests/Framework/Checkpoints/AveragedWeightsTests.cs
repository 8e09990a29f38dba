using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Files that hold an average beside the trained weights.</summary>
public sealed class AveragedWeightsTests : WeightsInFiles
{
    [Theory]
    [InlineData("state_dict", "state_dict_ema")]
    [InlineData("model", "model_ema")]
    [InlineData("student", "teacher")]
    [InlineData("model", "ema")]
    [InlineData("model", "model_avg")]
    [InlineData("model", "netG_ema")]
    [InlineData("state_dict", "averaged_state_dict")]
    [InlineData("model", "polyak")]
    public void Load_AverageBesideTrained_TakesWhatIsAskedFor(string trained, string averaged)
    {
        PickleBuilder.Save(
            _folder.At("both.pth"),
            new Dictionary<string, object?>
            {
                [trained] = _other.state_dict(),
                [averaged] = _source.state_dict(),
                ["epoch"] = 3,
            }
        );
        AssertWhole(_folder.At("both.pth"), _source);
        AssertWhole(_folder.At("both.pth"), _other, WeightChoice.Trained);

        var flat = _other
            .state_dict()
            .Select(pair => (Name: $"{trained}.{pair.Key}", pair.Value))
            .Concat(_source.state_dict().Select(pair => (Name: $"{averaged}.module.{pair.Key}", pair.Value)))
            .ToDictionary(pair => pair.Name, pair => pair.Value);
        AssertWhole(Safetensors("both.safetensors", flat), _source);
        AssertWhole(_folder.At("both.safetensors"), _other, WeightChoice.Trained);
    }

    [Fact]
    public void Load_AveragedModel_PassesItsCounterOver()
    {
        var state = _source.state_dict().ToDictionary(pair => "module." + pair.Key, pair => pair.Value);
        state["n_averaged"] = tensor(10L);
        AssertWhole(Safetensors("swa.safetensors", state), _source);
        Assert.Equal(["n_averaged"], ForeignWeights.LoadWhole(_target, _folder.At("swa.safetensors"), Data).PassedOver);
    }

    /// <summary>mmengine saves the average as state_dict and what was trained as ema_state_dict.</summary>
    [Fact]
    public void Load_MmEnginesAverage_IsItsStateDict()
    {
        var trained = _other.state_dict().ToDictionary(pair => "module." + pair.Key, pair => (object?)pair.Value);
        trained["steps"] = tensor(5L);
        PickleBuilder.Save(
            _folder.At("mmengine.pth"),
            new Dictionary<string, object?>
            {
                ["meta"] = new Dictionary<string, object?> { ["epoch"] = 1 },
                ["state_dict"] = _source.state_dict(),
                ["ema_state_dict"] = trained,
            }
        );
        AssertWhole(_folder.At("mmengine.pth"), _source);
        AssertWhole(_folder.At("mmengine.pth"), _other, WeightChoice.Trained);
        using var file = WeightsFile.Open(_folder.At("mmengine.pth"));
        Assert.DoesNotContain(file.Notes, note => note.Text.Contains("no tensors by name", StringComparison.Ordinal));
    }

    [Fact]
    public void Load_AverageWithoutTensorsByName_IsTold()
    {
        PickleBuilder.Save(
            _folder.At("list.pth"),
            new Dictionary<string, object?>
            {
                ["model"] = _source.state_dict(),
                ["shadow"] = new object?[] { _other.state_dict().Values.First() },
                ["ema"] = 0.999,
            }
        );
        AssertWhole(_folder.At("list.pth"), _source);
        using var file = WeightsFile.Open(_folder.At("list.pth"));
        Assert.Equal(
            "shadow (a list of 1) seems to be an average of the weights, but has no tensors by name: it isn't taken",
            Assert.Single(file.Notes).Text
        );
    }

    /// <summary>An average of parameters alone lacks the norms' statistics.</summary>
    [Fact]
    public void Load_IncompleteAverage_IsLeft()
    {
        var average = _other.named_parameters().ToDictionary(pair => pair.name, pair => (Tensor)pair.parameter);
        PickleBuilder.Save(_folder.At("part.pth"), new Dictionary<string, object?> { ["model"] = _source.state_dict(), ["ema"] = average });
        AssertWhole(_folder.At("part.pth"), _source);
        using (var file = WeightsFile.Open(_folder.At("part.pth")))
            Assert.Equal(
                "its averaged weights (ema) lack 2 tensors of the trained ones (model) and are no whole network: the trained ones are taken. "
                    + "An init with \"part\": \"ema\" takes the others, as far as they go",
                Assert.Single(file.Notes).Text
            );
        var flat = _source
            .state_dict()
            .Select(pair => (Name: "model." + pair.Key, pair.Value))
            .Concat(average.Select(pair => (Name: "model_ema." + pair.Key, pair.Value)))
            .ToDictionary(pair => pair.Name, pair => pair.Value);
        AssertWhole(Safetensors("part.safetensors", flat), _source);
    }

    [Fact]
    public void Load_CopiesOfMmcv_ArePassedOver()
    {
        var state = _source.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value);
        foreach (var (name, value) in _other.state_dict())
            state["ema_" + name.Replace('.', '_')] = value;
        AssertWhole(Safetensors("mmcv.safetensors", state), _source);
    }

    [Fact]
    public void Load_OwnCheckpoint_TakesTheAverageUnlessAsked()
    {
        var state = CheckpointStoreTests.State(_other);
        foreach (var (name, value) in _source.state_dict())
            state.Under("hooks").Under("average").Under("ema").Write(name, value);
        var path = new CheckpointStore(_folder.Path).Save("epoch_1", state, CheckpointStoreTests.Info(_other));
        var data = CheckpointStoreTests.Info(_other).Data;
        ForeignWeights.Load(_target, path, new PretrainedOptions(path), new InitContext(data));
        AssertSame(_source);
        ForeignWeights.Load(_target, path, new PretrainedOptions(path, Weights: WeightChoice.Trained), new InitContext(data));
        AssertSame(_other);
        ForeignWeights.Load(_target.Backbone, path, new PretrainedOptions(path), new InitContext());
        Assert.True(_target.state_dict()["backbone.conv1.weight"].Equals(_source.state_dict()["backbone.conv1.weight"]));
    }
}
