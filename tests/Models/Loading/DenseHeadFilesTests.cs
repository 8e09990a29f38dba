using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>ATSS, GFL and RTMDet in MMDetection's names, with the tensors that its own heads have (make_dense.py).</summary>
public sealed class DenseHeadFilesTests : IDisposable
{
    private const string Atss = """{ "type": "AtssHead", "stacked_convs": 2 }""";
    private const string Gfl = """{ "type": "GflHead", "stacked_convs": 2, "reg_max": 12 }""";
    private const string Rtmdet = """{ "type": "RtmdetHead" }""";

    private readonly DataInfo _data = Build.Classes(3, DataTask.Detection);
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("mmdet_atss", Atss, 5)]
    [InlineData("mmdet_gfl", Gfl, 5)]
    [InlineData("mmdet_rtmdet", Rtmdet, 3)]
    [InlineData("mmdet_rtmdet", """{ "type": "RtmdetHead", "share_conv": false }""", 3)]
    public void LoadWhole_MmdetectionsTensors_IsComplete(string fixture, string head, int maps)
    {
        var path = Write(fixture, head, maps, share: true);
        using var model = New(head, maps);
        using var scope = NewDisposeScope();
        Assert.True(ForeignWeights.LoadWhole(model, path, _data).IsComplete);
        foreach (var (key, value) in model.state_dict().Where(pair => pair.Key.StartsWith("bbox_head.", StringComparison.Ordinal)))
            if (!key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                Assert.True(Formula.Values(First(key), value.shape).Equals(value), key);
    }

    [Fact]
    public void LoadWhole_ConvolutionsThatAreNotShared_SaysSo()
    {
        using var model = New(Rtmdet, 3);
        var path = Write("mmdet_rtmdet", Rtmdet, 3, share: false);
        var message = Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(model, path, _data)).Message;
        Assert.Contains(
            "bbox_head.cls_convs.1.0.conv.weight and bbox_head.cls_convs.0.0.conv.weight differ, but the model has one tensor for both",
            message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("mmdet_gfl", Gfl, """{ "type": "GflHead", "stacked_convs": 2 }""", 5, "bbox_head.gfl_reg.weight")]
    [InlineData("mmdet_atss", Atss, """{ "type": "AtssHead", "stacked_convs": 3 }""", 5, "bbox_head.cls_convs.2.conv.weight")]
    [InlineData("mmdet_atss", Atss, Gfl, 5, "bbox_head.gfl_cls.weight")]
    [InlineData("mmdet_rtmdet", Rtmdet, """{ "type": "RtmdetHead", "pred_kernel_size": 3 }""", 3, "bbox_head.rtm_cls.0.weight")]
    public void LoadWhole_AnotherVariant_NamesWhatDoesNotFit(string fixture, string written, string head, int maps, string tensor)
    {
        var path = Write(fixture, written, maps, share: true);
        using var model = New(head, maps);
        Assert.Contains(
            tensor,
            Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(model, path, _data)).Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>MMDetection's tensors of the head, with ours of backbone and neck in its names.</summary>
    private string Write(string fixture, string head, int maps, bool share)
    {
        var path = Path.Combine(_folder, Path.GetRandomFileName() + ".safetensors");
        using var scope = NewDisposeScope();
        using var body = Formula.Fill(New(head, maps));
        var map = body.KeyMaps["mmlab"];
        var tensors = body.state_dict()
            .Where(pair => !pair.Key.StartsWith("bbox_head.", StringComparison.Ordinal))
            .Select(pair => (map.Publish!(pair.Key)!, pair.Value))
            .Concat(
                FixtureFile
                    .Json("models", fixture + ".json")
                    .GetProperty("tensors")
                    .EnumerateObject()
                    .Select(entry => ("bbox_head." + entry.Name, Shape(entry.Value)))
                    .Select(entry => (entry.Item1, Formula.Values(share ? First(entry.Item1) : entry.Item1, entry.Item2)))
            );
        ForeignFile.Write(path, tensors);
        return path;
    }

    /// <summary>The name of the first map's convolution for that of another's.</summary>
    private static string First(string key) =>
        key.Split('.') is ["bbox_head", "cls_convs" or "reg_convs", _, var layer, "conv", var part]
            ? $"{key[..key.IndexOf("convs.", StringComparison.Ordinal)]}convs.0.{layer}.conv.{part}"
            : key;

    private static long[] Shape(JsonElement shape) => [.. shape.EnumerateArray().Select(side => side.GetInt64())];

    private VisionModel New(string head, int maps) =>
        Build.From<VisionModel>(
            $$"""
            { "type": "Detector", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [1, 2, 3] },
              "neck": { "type": "Fpn", "out_channels": 32, "num_outs": {{maps}}, "add_extra_convs": "on_output" }, "bbox_head": {{head}} }
            """,
            _data
        );
}
