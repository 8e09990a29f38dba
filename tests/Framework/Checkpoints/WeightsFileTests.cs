using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>Files that PyTorch wrote, one written after the safetensors specification, and files that must be refused
/// (tests/Fixtures/checkpoints/make.py).</summary>
public class WeightsFileTests
{
    private static readonly JsonElement Expected = FixtureFile.Json("checkpoints", "expected.json");

    public static TheoryData<string> Good => [.. Expected.GetProperty("good").EnumerateObject().Select(file => file.Name)];

    public static TheoryData<string> Bad => [.. Expected.GetProperty("bad").EnumerateObject().Select(file => file.Name)];

    [Theory, MemberData(nameof(Good))]
    public void Open_GoodFile_HasTheTensorsThatPythonSaved(string name)
    {
        using var file = WeightsFile.Open(FixtureFile.At("checkpoints", "good", name));
        var expected = Expected.GetProperty("good").GetProperty(name).GetProperty("tensors").EnumerateObject().ToList();
        Assert.Equal(expected.Select(tensor => tensor.Name).Order(StringComparer.Ordinal), file.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var tensor in expected)
        {
            var info = file.Tensors[tensor.Name];
            Assert.Equal(tensor.Value.GetProperty("type").GetString(), info.Type.ToString());
            Assert.Equal(tensor.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()), info.Shape);
            Assert.Equal(tensor.Value.GetProperty("bytes").GetString(), Convert.ToHexStringLower(file.ReadBytes(tensor.Name)));
        }
    }

    [Theory, MemberData(nameof(Good))]
    public void Open_GoodFile_ListsWhatElseItHolds(string name)
    {
        using var file = WeightsFile.Open(FixtureFile.At("checkpoints", "good", name));
        foreach (var other in Expected.GetProperty("good").GetProperty(name).GetProperty("others").EnumerateArray())
            Assert.Contains(other.GetString(), file.Others);
    }

    [Theory, MemberData(nameof(Bad))]
    public void Open_BadFile_IsRefusedByNameAndRunsNothing(string name)
    {
        var path = FixtureFile.At("checkpoints", "bad", name);
        var error = Assert.Throws<UserErrorException>(() => WeightsFile.Open(path).Dispose());
        Assert.Contains(Expected.GetProperty("bad").GetProperty(name).GetString()!, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        // make.py has shown that Python would have made this file.
        Assert.False(File.Exists("tessera-was-here"), "The file's command was executed.");
    }

    [Fact]
    public void Open_ByContent_IgnoresTheExtension()
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("weights.bin");
        File.Copy(FixtureFile.At("checkpoints", "good", "by-hand.safetensors"), path);
        using var file = WeightsFile.Open(path);
        Assert.Equal("safetensors", file.Format);
        Assert.Equal("ünïcode \"quoted\"", file.Metadata["author"]);
    }

    [Fact]
    public void Open_Part_PicksTheDictionary()
    {
        var path = FixtureFile.At("checkpoints", "good", "nested.zip.pth");
        using var file = WeightsFile.Open(path, "model.head");
        Assert.Equal(["b"], file.Tensors.Keys);
        var error = Assert.Throws<UserErrorException>(() => WeightsFile.Open(path, "ema"));
        Assert.Contains("It has: model.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NoSuchFile_NamesTheNearest()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            WeightsFile.Open(FixtureFile.At("checkpoints", "good", "by-hands.safetensors"))
        );
        Assert.Contains("Did you mean by-hand.safetensors?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_Folder_SaysSo() =>
        Assert.Contains(
            "folder",
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(FixtureFile.At("checkpoints"))).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("training.zip.pth")]
    [InlineData("training.legacy.pth")]
    [InlineData("by-hand.safetensors")]
    public void Open_CutAnywhere_IsAClearError(string name)
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(FixtureFile.At("checkpoints", "good", name));
        var path = folder.At("half");
        for (var length = 0; length < whole.Length; length += Math.Max(1, whole.Length / 500))
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<UserErrorException>(() => WeightsFile.Open(path).Dispose());
        }
    }
}
