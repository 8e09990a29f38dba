using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Tests.Models.Loading;

/// <summary>DETR as facebookresearch publishes it (names and shapes from make_detr.py).</summary>
public sealed class DetrFilesTests : IDisposable
{
    private const string Published = """ "type": "Detr", "backbone": { "type": "ResNet", "depth": 50, "out_indices": [3] } """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <param name="prefix">Of the names, as trainings leave it there.</param>
    [Theory]
    [InlineData("")]
    [InlineData("model.")]
    public void LoadWhole_ThePublished_IsComplete_WithoutTheUnusedIds(string prefix)
    {
        var data = Build.Classes(80, DataTask.Detection);
        using var model = Build.From<VisionModel>($$"""{ {{Published}} }""", data);
        Assert.True(ForeignWeights.LoadWhole(model, Write(prefix), data).IsComplete);
        // Person is id 1, a traffic light 10, a fire hydrant 11, a stop sign 13; toothbrush, the last, 90. Then no object, 91.
        var bias = model.state_dict()["class_embed.bias"].data<float>().ToArray();
        Assert.Equal(81, bias.Length);
        Assert.Equal([1f, 10, 11, 13, 90, 91], new[] { 0, 9, 10, 11, 79, 80 }.Select(c => bias[c]));
    }

    [Fact]
    public void KeyMap_IsInvertible_AndHasThePublishedNames()
    {
        using var model = Build.From<VisionModel>($$"""{ {{Published}} }""", Build.Classes(91, DataTask.Detection));
        var map = model.KeyMaps["detr"];
        var own = model
            .state_dict()
            .Where(pair => !pair.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .ToDictionary(pair => map.Publish!(pair.Key)!, pair => (pair.Key, pair.Value.shape));
        Assert.All(own, pair => Assert.Equal(pair.Value.Key, map.Rename(pair.Key)));
        Assert.Equal(
            FixtureFile
                .Json("models", "detr_r50.keys.json")
                .EnumerateObject()
                .Select(entry => $"{entry.Name} [{string.Join(", ", entry.Value.EnumerateArray())}]")
                .Order(),
            own.Select(pair => $"{pair.Key} [{string.Join(", ", pair.Value.shape)}]").Order()
        );
    }

    [Theory]
    [InlineData("\"num_queries\": 50", "query_embed.weight")]
    [InlineData("\"encoder_layers\": 5", "transformer.encoder.layers.5")]
    [InlineData("\"decoder_layers\": 7", "transformer.decoder.layers.6")]
    public void LoadWhole_AnotherVariant_IsTheUsersMistake_AndNamesWhatDiffers(string options, string expected)
    {
        var data = Build.Classes(80, DataTask.Detection);
        using var model = Build.From<VisionModel>($$"""{ {{Published}}, {{options}} }""", data);
        var message = Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(model, Write(), data)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    /// <summary>Other classes: their rows keep their first weights; all else is taken.</summary>
    [Fact]
    public void Pretrained_OtherClasses_LeavesTheirRowsAsTheyBegin()
    {
        var data = Build.Classes(3, DataTask.Detection);
        using var model = Build.From<VisionModel>($$"""{ {{Published}} }""", data);
        var state = model.state_dict();
        var before = state["class_embed.weight"].clone();
        new PretrainedInitializer(new PretrainedOptions(Write())).Initialize(model, new InitContext(data));
        Assert.True(before.Equals(state["class_embed.weight"]));
        foreach (var name in (string[])["query_embed.weight", "bbox_embed.layers.2.weight", "transformer.decoder.norm.weight"])
            Assert.Equal(0, state[name].abs().max().item<float>());
    }

    private string Write(string prefix = "")
    {
        var tensors = FixtureFile
            .Json("models", "detr_r50.keys.json")
            .EnumerateObject()
            .Select(entry => (prefix + entry.Name, entry.Value.EnumerateArray().Select(size => size.GetInt64()).ToArray()))
            .ToList();
        var path = Path.Combine(_folder, "detr.safetensors");
        PlainSafetensors.WriteZeros(path, tensors, prefix + "class_embed.bias", [.. Enumerable.Range(0, 92).Select(i => (float)i)]);
        return path;
    }
}
