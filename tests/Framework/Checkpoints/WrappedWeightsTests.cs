using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>What training scripts put around a network's weights, into a model that must be filled whole.</summary>
public sealed class WrappedWeightsTests : IDisposable
{
    private static readonly DataInfo Data = new(["a", "b", "c", "d", "e"], DataTask.Classification);

    private readonly TemporaryFolder _folder = new();
    private readonly TinyModel _source = new();
    private readonly TinyModel _other = new();
    private readonly TinyModel _target = new();

    public void Dispose()
    {
        _folder.Dispose();
        _source.Dispose();
        _other.Dispose();
        _target.Dispose();
    }

    [Theory]
    [InlineData("_orig_mod.")]
    [InlineData("module._orig_mod.")]
    [InlineData("_orig_mod.module.")]
    [InlineData("model._orig_mod.")]
    [InlineData("module.module.")]
    [InlineData("_fsdp_wrapped_module.")]
    [InlineData("_forward_module.")]
    [InlineData("student.")]
    [InlineData("student.module.model.")]
    [InlineData("net.")]
    [InlineData("my_net.")]
    [InlineData("model.my_net.module.")]
    [InlineData("state_dict.model.")]
    public void LoadWhole_NamesBehindAPrefix_AreFound(string prefix)
    {
        var state = _source.state_dict().ToDictionary(pair => prefix + pair.Key, pair => pair.Value);
        PickleBuilder.Save(_folder.At("flat.pth"), state);
        AssertWhole(_folder.At("flat.pth"), _source);
        AssertWhole(Safetensors("flat.safetensors", state), _source);
    }

    [Fact]
    public void LoadWhole_CompiledParts_LoseTheWrappersNames()
    {
        var state = _source
            .state_dict()
            .ToDictionary(
                pair =>
                    pair.Key.Replace("backbone.", "backbone._orig_mod.", StringComparison.Ordinal)
                        .Replace("bn1.", "_checkpoint_wrapped_module.bn1.", StringComparison.Ordinal),
                pair => pair.Value
            );
        AssertWhole(Safetensors("compiled.safetensors", state), _source);
    }

    [Theory]
    [InlineData("state_dict")]
    [InlineData("model")]
    [InlineData("model.state_dict")]
    [InlineData("checkpoint.model.state_dict")]
    [InlineData("net")]
    [InlineData("model_state")]
    [InlineData("network_state_dict")]
    [InlineData("anything")]
    [InlineData("model_ema")]
    [InlineData("student")]
    public void LoadWhole_DictionariesInDictionaries_AreFoundBesideOtherThings(string path)
    {
        object? nested = _source.state_dict();
        foreach (var word in path.Split('.').Reverse())
            nested = new Dictionary<string, object?>
            {
                ["epoch"] = 3,
                [word] = nested,
                ["best_acc1"] = tensor(76.5f),
                ["rng_state"] = zeros(16, ScalarType.Byte),
                ["optimizer"] = Optimizer(),
            };
        PickleBuilder.Save(_folder.At("nested.pth"), nested!);
        AssertWhole(_folder.At("nested.pth"), _source);
    }

    [Fact]
    public void LoadWhole_ListAndTuple_AreFound()
    {
        PickleBuilder.Save(
            _folder.At("list.pth"),
            new object?[]
            {
                _source.state_dict(),
                new Dictionary<string, object?> { ["a"] = 1 },
            }
        );
        AssertWhole(_folder.At("list.pth"), _source);
    }

    [Fact]
    public void LoadWhole_ObjectsBesideTheWeights_ArePassedOver()
    {
        PickleBuilder.Save(
            _folder.At("objects.pth"),
            new Dictionary<string, object?>
            {
                ["args"] = new PythonObject("argparse", "Namespace", new Dictionary<string, object?> { ["lr"] = 0.1 }),
                ["config"] = new PythonObject("my_project.config", "Config"),
                ["model"] = _source.state_dict(),
            }
        );
        AssertWhole(_folder.At("objects.pth"), _source);
        using var file = WeightsFile.Open(_folder.At("objects.pth"));
        Assert.Contains("args (an object of argparse.Namespace)", file.Others);
        Assert.Contains("config (an object of my_project.config.Config)", file.Others);
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("builtins", "exec")]
    [InlineData("subprocess", "Popen")]
    [InlineData("torch._utils", "_rebuild_sparse_tensor")]
    public void Open_NamesThatRunSomethingOrHideTensors_AreRefused(string module, string name)
    {
        PickleBuilder.Save(
            _folder.At("bad.pth"),
            new Dictionary<string, object?> { ["model"] = _source.state_dict(), ["x"] = new PythonObject(module, name) }
        );
        Assert.Contains(
            $"{module}.{name}",
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(_folder.At("bad.pth"))).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("state_dict", "state_dict_ema")]
    [InlineData("model", "model_ema")]
    [InlineData("student", "teacher")]
    [InlineData("model", "ema")]
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
    }

    /// <summary>An average of parameters alone lacks the norms' statistics.</summary>
    [Fact]
    public void Load_IncompleteAverage_IsLeft()
    {
        var average = _other.named_parameters().ToDictionary(pair => pair.name, pair => (Tensor)pair.parameter);
        PickleBuilder.Save(_folder.At("part.pth"), new Dictionary<string, object?> { ["model"] = _source.state_dict(), ["ema"] = average });
        AssertWhole(_folder.At("part.pth"), _source);
        using (var file = WeightsFile.Open(_folder.At("part.pth")))
            Assert.Contains("lack 2 tensors", Assert.Single(file.Notes), StringComparison.Ordinal);
        var flat = _source
            .state_dict()
            .Select(pair => (Name: "model." + pair.Key, pair.Value))
            .Concat(average.Select(pair => (Name: "model_ema." + pair.Key, pair.Value)))
            .ToDictionary(pair => pair.Name, pair => pair.Value);
        AssertWhole(Safetensors("part.safetensors", flat), _source);
    }

    [Fact]
    public void Load_AveragedModel_PassesItsCounterOver()
    {
        var state = _source.state_dict().ToDictionary(pair => "module." + pair.Key, pair => pair.Value);
        state["n_averaged"] = tensor(10L);
        AssertWhole(Safetensors("swa.safetensors", state), _source);
        Assert.Equal(["n_averaged"], ForeignWeights.LoadWhole(_target, _folder.At("swa.safetensors"), Data).PassedOver);
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

    [Fact]
    public void Load_TwinsUnderUnknownNames_AsksWhichAndTheAdviceWorks()
    {
        var flat = _other
            .state_dict()
            .Select(pair => (Name: "net_a." + pair.Key, pair.Value))
            .Concat(_source.state_dict().Select(pair => (Name: "net_b." + pair.Key, pair.Value)))
            .ToDictionary(pair => pair.Name, pair => pair.Value);
        var path = Safetensors("twins.safetensors", flat);
        var error = Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(_target, path, Data)).Message;
        Assert.Contains("under \"net_a.\" and under \"net_b.\"", error, StringComparison.Ordinal);
        Assert.Contains("\"prefix\"", error, StringComparison.Ordinal);
        ForeignWeights.LoadWhole(_target, path, Data, new PretrainedOptions(path, Prefix: "net_b."));
        AssertSame(_source);
    }

    [Fact]
    public void Load_PartsUnderUnknownNames_AsksWhichAndTheAdviceWorks()
    {
        PickleBuilder.Save(
            _folder.At("gan.pth"),
            new Dictionary<string, object?> { ["generator"] = _other.state_dict(), ["discriminator"] = _source.state_dict() }
        );
        var error = Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(_target, _folder.At("gan.pth"), Data)).Message;
        Assert.Contains("\"part\"", error, StringComparison.Ordinal);
        ForeignWeights.LoadWhole(_target, _folder.At("gan.pth"), Data, new PretrainedOptions("", Part: "discriminator"));
        AssertSame(_source);
    }

    private static Dictionary<string, object?> Optimizer() =>
        new()
        {
            ["state"] = new Dictionary<string, object?> { ["momentum"] = zeros(4, 3, 3, 3) },
            ["param_groups"] = new object?[] { new Dictionary<string, object?> { ["lr"] = 0.1 } },
        };

    private string Safetensors(string file, Dictionary<string, Tensor> state)
    {
        using var stream = File.Create(_folder.At(file));
        SafetensorsWriter.Write(stream, state.Select(pair => WeightSource.From(pair.Key, pair.Value)), new Dictionary<string, string>());
        return _folder.At(file);
    }

    private void AssertWhole(string path, TinyModel expected, WeightChoice choice = WeightChoice.Averaged)
    {
        using (no_grad())
            foreach (var tensor in _target.state_dict().Values)
                tensor.zero_();
        Assert.True(ForeignWeights.LoadWhole(_target, path, Data, new PretrainedOptions(path, Weights: choice)).IsComplete);
        AssertSame(expected);
    }

    private void AssertSame(TinyModel expected)
    {
        foreach (var (name, tensor) in expected.state_dict())
            Assert.True(tensor.Equals(_target.state_dict()[name]), name);
    }
}
