using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Tensors of a file that are one here, by <see cref="KeyMap.Joined"/>.</summary>
public sealed class JoinedTensorsTests : IDisposable
{
    private static readonly string[] _parts = ["q", "k", "v"];
    private readonly TemporaryFolder _folder = new();
    private readonly Fused _target = new();

    public void Dispose()
    {
        _target.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("model.", null)]
    [InlineData("", "separate")]
    public void Parts_InAnyOrder_LieBehindEachOther(string prefix, string? keys)
    {
        using var scope = NewDisposeScope();
        var report = Load(Write(prefix, ("v", [2, 3]), ("q", [2, 3]), ("k", [2, 3])), keys);
        Assert.True(report.IsComplete);
        Assert.Equal("qkv.weight", Assert.Single(report.Joined).Name);
        Assert.Equal(_parts.Select(part => $"{prefix}{part}.weight"), report.Joined[0].Parts);
        Assert.Equal(["qkv.bias", "qkv.weight"], report.Exact.Order());
        Assert.Equal([1f, 1, 2, 2, 3, 3], _target.state_dict()["qkv.weight"].select(1, 0).data<float>().ToArray());
        Assert.Contains("joined          1  of 3 tensors", LoadTable.Lines(report));
    }

    [Fact]
    public void Part_Missing_IsNamed()
    {
        var message = Assert.Throws<UserErrorException>(() => Load(Write("net.", ("q", [2, 3]), ("v", [2, 3])), null)).Message;
        Assert.Contains("qkv.weight is joined of 3 tensors", message, StringComparison.Ordinal);
        Assert.Contains("has net.q.weight and net.v.weight, and lacks k.weight", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Part_OfATensorThatIsSkipped_IsNotMissed()
    {
        var path = Write("", ("q", [2, 3]), ("v", [2, 3]));
        var report = ForeignWeights.Load(_target, path, new PretrainedOptions(path, Skip: ["weight"]), new InitContext());
        Assert.Equal(["qkv.bias"], report.Loaded);
    }

    [Fact]
    public void Part_OfAnotherLength_IsToldWithTheOthers()
    {
        var report = Load(Write("", ("q", [2, 3]), ("k", [1, 3]), ("v", [2, 3])), null);
        Assert.Equal([("qkv.weight", "[6, 3]", "[5, 3] joined of [2, 3] and [1, 3] and [2, 3]")], report.WrongShape);
    }

    [Fact]
    public void Part_OfAnotherWidth_IsRefused()
    {
        var message = Assert.Throws<UserErrorException>(() => Load(Write("", ("q", [2, 3]), ("k", [2, 4]), ("v", [2, 3])), null)).Message;
        Assert.Contains("q.weight [2, 3] and k.weight [2, 4] and v.weight [2, 3]", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_InAFileWithAPartBesides_LeavesThePartOver()
    {
        using var scope = NewDisposeScope();
        var path = _folder.At("weights.safetensors");
        Safetensors(path, ("qkv.weight", ones(6, 3)), ("qkv.bias", ones(6)), ("k.weight", ones(2, 3)));
        var report = Load(path, null);
        Assert.Equal((2, "k.weight"), (report.Loaded.Count, Assert.Single(report.Unexpected)));
    }

    private LoadReport Load(string path, string? keys) =>
        ForeignWeights.Load(_target, path, new PretrainedOptions(path, Keys: keys), new InitContext());

    /// <summary>A file of parts that hold 1, 2 and 3.</summary>
    private string Write(string prefix, params (string Part, long[] Shape)[] parts)
    {
        using var scope = NewDisposeScope();
        var path = _folder.At("weights.safetensors");
        Safetensors(
            path,
            [
                .. parts.Select(part =>
                    ($"{prefix}{part.Part}.weight", full(part.Shape, 1 + Array.IndexOf(_parts, part.Part)).to(float32))
                ),
                (prefix + "qkv.bias", ones(6)),
            ]
        );
        return path;
    }

    private static void Safetensors(string path, params (string Name, Tensor Tensor)[] tensors)
    {
        using var file = File.Create(path);
        SafetensorsWriter.Write(
            file,
            [.. tensors.Select(entry => WeightSource.From(entry.Name, entry.Tensor))],
            new Dictionary<string, string>()
        );
    }

    /// <summary>Queries, keys and values in one layer, which are three elsewhere.</summary>
    private sealed class Fused : Backbone
    {
        private readonly Linear qkv;

        public Fused()
            : base(nameof(Fused))
        {
            qkv = nn.Linear(3, 6);
            RegisterComponents();
        }

        public override IReadOnlyList<int> OutChannels => [6];

        public override IReadOnlyList<int> OutStrides => [0];

        public override IReadOnlyDictionary<string, KeyMap> KeyMaps { get; } =
            new Dictionary<string, KeyMap>
            {
                ["separate"] = new(key => IsPart(key) ? "qkv" + key[1..] : key)
                {
                    Joined = key => IsPart(key) ? [.. _parts.Select(part => part + key[1..])] : null,
                },
            };

        public override Tensor[] forward(Tensor images) => [qkv.call(images)];

        private static bool IsPart(string key) => key.Length > 1 && key[1] == '.' && _parts.Contains(key[..1]);
    }
}
