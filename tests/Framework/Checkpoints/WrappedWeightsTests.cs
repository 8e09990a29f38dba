using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>What training scripts put around a network's weights, into a model that must be filled whole.</summary>
public sealed class WrappedWeightsTests : WeightsInFiles
{
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

    /// <summary>thop leaves two counters in every layer.</summary>
    [Fact]
    public void LoadWhole_CountersInEveryLayer_ArePassedOver()
    {
        var state = _source.state_dict().ToDictionary(pair => "module." + pair.Key, pair => pair.Value);
        foreach (var layer in (string[])["module.backbone.conv1.", "module.", "module.backbone."])
            (state[layer + "total_ops"], state[layer + "total_params"]) = (zeros(1, ScalarType.Float64), zeros(1, ScalarType.Float64));
        AssertWhole(Safetensors("thop.safetensors", state), _source);
    }

    [Fact]
    public void LoadWhole_HeadThatTheModelLacks_IsLeftOutByAnEmptyName()
    {
        var state = _source.state_dict().ToDictionary(pair => "module." + pair.Key, pair => pair.Value);
        state["module.fc_aux.weight"] = zeros(3, 4);
        var path = Safetensors("aux.safetensors", state);
        Assert.Contains(
            "left out by an empty name: \"key_map\": { \"^fc_aux\\\\..*\": \"\" }.",
            Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(_target, path, Data)).Message,
            StringComparison.Ordinal
        );
        var report = ForeignWeights.LoadWhole(
            _target,
            path,
            Data,
            new PretrainedOptions(path, KeyMap: new Dictionary<string, string> { ["^fc_aux\\..*"] = "" })
        );
        Assert.Equal(["module.fc_aux.weight"], report.PassedOver);
        AssertSame(_source);
    }

    /// <summary>A backbone in a part of another name, the head beside it.</summary>
    [Fact]
    public void LoadWhole_HeadBesideAPart_IsFound()
    {
        var state = _source
            .state_dict()
            .ToDictionary(pair => "model." + pair.Key.Replace("backbone.", "encoder.", StringComparison.Ordinal), pair => pair.Value);
        AssertWhole(Safetensors("encoder.safetensors", state), _source);
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
}
