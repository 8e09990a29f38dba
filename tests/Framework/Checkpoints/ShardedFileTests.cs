using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Weights in several files with their index.</summary>
public sealed class ShardedFileTests : IDisposable
{
    private const string First = "model-00001-of-00002.safetensors",
        Second = "model-00002-of-00002.safetensors";

    private readonly TemporaryFolder _folder = new();
    private readonly TinyModel _source = new();

    public void Dispose()
    {
        _folder.Dispose();
        _source.Dispose();
    }

    [Fact]
    public void LoadWhole_Index_ReadsEveryShard()
    {
        var index = Write();
        using var target = new TinyModel();
        var report = ForeignWeights.LoadWhole(target, index, new DataInfo(["a", "b", "c", "d", "e"], DataTask.Classification));
        Assert.True(report.IsComplete);
        Assert.Equal([index, _folder.At(First), _folder.At(Second)], report.Files);
        foreach (var (name, tensor) in _source.state_dict())
            Assert.True(tensor.Equals(target.state_dict()[name]), name);
        Assert.Contains(
            "Name a file in it",
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(_folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Open_OneOfSeveral_NamesTheIndex()
    {
        var index = Write();
        var error = Assert.Throws<UserErrorException>(() => WeightsFile.Open(_folder.At(First))).Message;
        Assert.Contains("this is file 1 of 2, which together hold the weights", error, StringComparison.Ordinal);
        Assert.Contains($"Name their index: {index}.", error, StringComparison.Ordinal);
        File.Delete(index);
        Assert.Contains(
            "must lie beside them",
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(_folder.At(Second))).Message,
            StringComparison.Ordinal
        );
        var whole = _folder.At("model-00001-of-00001.safetensors");
        File.Copy(_folder.At(First), whole);
        WeightsFile.Open(whole).Dispose(); // one of one is whole
    }

    [Fact]
    public void Open_ShardMissing_NamesIt()
    {
        var index = Write();
        File.Delete(_folder.At(Second));
        Assert.Contains(
            $"1 of the 2 files that it names is not beside it: {Second}",
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(index)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("../outside.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("a\\\\b.safetensors")]
    [InlineData("c:evil.safetensors")]
    [InlineData(".hidden.safetensors")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("")]
    public void Open_NameThatLeadsElsewhere_IsRefused(string name)
    {
        var index = _folder.At("model.safetensors.index.json");
        File.WriteAllText(index, $$"""{ "weight_map": { "a": "{{name}}" } }""");
        Assert.Contains(
            "no plain name",
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(index)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("""{ "weight_map": [] }""", "weight_map")]
    [InlineData("""{ "weight_map": {} }""", "empty")]
    [InlineData("""{ "weight_map": { "a": 1 } }""", "no text")]
    [InlineData("""{ "weight_map": { "a": "x.safetensors", "a": "y.safetensors" } }""", "comes twice")]
    [InlineData("""{ "weight_map": """, "no JSON")]
    public void Open_BadIndex_SaysWhy(string json, string expected)
    {
        var index = _folder.At("model.safetensors.index.json");
        File.WriteAllText(index, json);
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => WeightsFile.Open(index)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TensorThatItsShardLacks_IsAnError()
    {
        var index = Write(extra: "head.fc.more");
        Assert.Contains(
            "head.fc.more should be in",
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(index)).Message,
            StringComparison.Ordinal
        );
    }

    private string Write(string? extra = null)
    {
        var state = _source.state_dict();
        var map = new Dictionary<string, string>();
        foreach (var file in new[] { First, Second })
        {
            var part = state.Where(pair => pair.Key.StartsWith("head.", StringComparison.Ordinal) == (file == Second)).ToList();
            using var stream = File.Create(_folder.At(file));
            SafetensorsWriter.Write(
                stream,
                part.Select(pair => WeightSource.From(pair.Key, pair.Value)),
                new Dictionary<string, string> { ["format"] = "pt" }
            );
            foreach (var (name, _) in part)
                map[name] = file;
        }
        if (extra is not null)
            map[extra] = Second;
        var index = _folder.At("model.safetensors.index.json");
        File.WriteAllText(index, JsonSerializer.Serialize(new { metadata = new { total_size = 1 }, weight_map = map }));
        return index;
    }
}
