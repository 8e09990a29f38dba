using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Tests.Models.Loading;

/// <summary>RT-DETR as its authors publish it (names and shapes from make_rtdetr.py).</summary>
public sealed class RtDetrFilesTests : IDisposable
{
    private const string Vd = """ "stem": "deep", "avg_down": true, "out_indices": [1, 2, 3] """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public static TheoryData<string> Variants => ["r18vd", "r50vd"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <param name="prefix">Of the names, as trainings leave it there.</param>
    [Theory]
    [InlineData("r18vd", "")]
    [InlineData("r18vd", "ema.module.")]
    [InlineData("r50vd", "model.")]
    public void LoadWhole_ThePublished_IsComplete(string variant, string prefix)
    {
        var data = Build.Classes(80, DataTask.Detection);
        using var model = New(variant, data);
        Assert.True(ForeignWeights.LoadWhole(model, Write(variant, prefix), data).IsComplete);
        Assert.Equal(
            Enumerable.Range(0, 80).Select(i => (float)i),
            model.state_dict()["decoder.enc_score_head.bias"].data<float>().ToArray()
        );
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void KeyMap_IsInvertible_AndHasThePublishedNames(string variant)
    {
        using var model = New(variant, Build.Classes(80, DataTask.Detection));
        var map = model.KeyMaps["rtdetr"];
        var own = model
            .state_dict()
            .Where(pair => !pair.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .ToDictionary(pair => map.Publish!(pair.Key)!, pair => (pair.Key, pair.Value.shape));
        Assert.All(own, pair => Assert.Equal(pair.Value.Key, map.Rename(pair.Key)));
        Assert.Equal(
            FixtureFile
                .Json("models", $"rtdetr_{variant}.keys.json")
                .EnumerateObject()
                .Where(entry => !entry.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                .Select(entry => $"{entry.Name} [{string.Join(", ", entry.Value.EnumerateArray())}]")
                .Order(),
            own.Select(pair => $"{pair.Key} [{string.Join(", ", pair.Value.shape)}]").Order()
        );
    }

    /// <summary>Published as 20 M and 42 M: 20,184,464 and 42,891,372 (make_rtdetr.py), the latter without the 53,248 of norms that are
    /// fixed there.</summary>
    [Theory]
    [InlineData("r18vd", 20_184_464)]
    [InlineData("r50vd", 42_944_620)]
    public void Parameters_OfThePublishedNetworks(string variant, long expected)
    {
        using var model = New(variant, Build.Classes(80, DataTask.Detection));
        Assert.Equal(expected, model.parameters().Sum(parameter => parameter.numel()));
    }

    [Fact]
    public void LoadWhole_AnotherVariant_IsTheUsersMistake()
    {
        var data = Build.Classes(80, DataTask.Detection);
        using var model = New("r50vd", data, ", \"decoder_layers\": 3");
        var message = Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(model, Write("r50vd"), data)).Message;
        Assert.Contains("decoder.decoder.layers.3", message, StringComparison.Ordinal);
    }

    private static VisionModel New(string variant, DataInfo data, string options = "") =>
        Build.From<VisionModel>(
            variant == "r18vd"
                ? $$"""
                { "type": "RtDetr", "backbone": { "type": "ResNet", "depth": 18, "project_first": true, {{Vd}} },
                  "neck": { "type": "HybridEncoder", "expansion": 0.5 }, "decoder_layers": 3 }
                """
                : $$"""{ "type": "RtDetr", "backbone": { "type": "ResNet", "depth": 50, {{Vd}} }, "neck": { "type": "HybridEncoder" }{{options}} }""",
            data
        );

    private string Write(string variant, string prefix = "")
    {
        var tensors = FixtureFile
            .Json("models", $"rtdetr_{variant}.keys.json")
            .EnumerateObject()
            .Where(entry => !entry.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .Select(entry => (prefix + entry.Name, entry.Value.EnumerateArray().Select(size => size.GetInt64()).ToArray()))
            .ToList();
        var path = Path.Combine(_folder, $"{variant}.safetensors");
        PlainSafetensors.WriteZeros(
            path,
            tensors,
            prefix + "decoder.enc_score_head.bias",
            [.. Enumerable.Range(0, 80).Select(i => (float)i)]
        );
        return path;
    }
}
