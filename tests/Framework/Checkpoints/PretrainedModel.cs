using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>A model whose weights a test writes into a file, and one that reads them.</summary>
public abstract class PretrainedModel : IDisposable
{
    private protected static readonly DataInfo Data = new(["a", "b", "c", "d", "e"], DataTask.Classification);

    private protected readonly TemporaryFolder _folder = new();
    private protected readonly TinyModel _source = new();
    private protected readonly TinyModel _target = new();

    public void Dispose()
    {
        _folder.Dispose();
        _source.Dispose();
        _target.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static LoadReport Load(nn.Module module, PretrainedOptions options) =>
        ForeignWeights.Load(module, options.Checkpoint, options, new InitContext(module is TinyModel ? null : Data));

    private protected static string Foreign(string name, string backbone, string head)
    {
        if (
            name.StartsWith("head.fc.", StringComparison.Ordinal) && backbone.Contains("stem", StringComparison.Ordinal)
            || backbone == "plain" && name.StartsWith("head", StringComparison.Ordinal)
        )
            return head + name["head.fc.".Length..];
        if (name.StartsWith("head.", StringComparison.Ordinal))
            return head.Replace("{0}", name, StringComparison.Ordinal);
        var inner = name["backbone.".Length..];
        return backbone switch
        {
            "plain" => inner,
            "stem" or "module.stem" => backbone
                + (
                    inner.StartsWith("conv1.", StringComparison.Ordinal) ? ".0." + inner["conv1.".Length..] : ".1." + inner["bn1.".Length..]
                ),
            _ => backbone.Replace("{0}", inner, StringComparison.Ordinal),
        };
    }

    private protected string Write(string file, Func<string, string?> rename)
    {
        var path = _folder.At(file);
        using var stream = File.Create(path);
        SafetensorsWriter.Write(
            stream,
            _source
                .state_dict()
                .Where(pair => rename(pair.Key) is not null)
                .Select(pair => WeightSource.From(rename(pair.Key)!, pair.Value)),
            new Dictionary<string, string>()
        );
        return path;
    }

    private protected void AssertSame()
    {
        foreach (var (name, tensor) in _source.state_dict())
            Assert.True(tensor.Equals(_target.state_dict()[name]), name);
    }
}
