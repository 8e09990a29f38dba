using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Two models whose weights a test writes into files, and one that reads them.</summary>
public abstract class WeightsInFiles : IDisposable
{
    private protected static readonly DataInfo Data = new(["a", "b", "c", "d", "e"], DataTask.Classification);

    private protected readonly TemporaryFolder _folder = new();
    private protected readonly TinyModel _source = new();
    private protected readonly TinyModel _other = new();
    private protected readonly TinyModel _target = new();

    public void Dispose()
    {
        _folder.Dispose();
        _source.Dispose();
        _other.Dispose();
        _target.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static Dictionary<string, object?> Optimizer() =>
        new()
        {
            ["state"] = new Dictionary<string, object?> { ["momentum"] = zeros(4, 3, 3, 3) },
            ["param_groups"] = new object?[] { new Dictionary<string, object?> { ["lr"] = 0.1 } },
        };

    private protected string Safetensors(string file, Dictionary<string, Tensor> state)
    {
        using var stream = File.Create(_folder.At(file));
        SafetensorsWriter.Write(stream, state.Select(pair => WeightSource.From(pair.Key, pair.Value)), new Dictionary<string, string>());
        return _folder.At(file);
    }

    private protected void AssertWhole(string path, TinyModel expected, WeightChoice choice = WeightChoice.Averaged)
    {
        using (no_grad())
            foreach (var tensor in _target.state_dict().Values)
                tensor.zero_();
        Assert.True(ForeignWeights.LoadWhole(_target, path, Data, new PretrainedOptions(path, Weights: choice)).IsComplete);
        AssertSame(expected);
    }

    private protected void AssertSame(TinyModel expected)
    {
        foreach (var (name, tensor) in expected.state_dict())
            Assert.True(tensor.Equals(_target.state_dict()[name]), name);
    }
}
