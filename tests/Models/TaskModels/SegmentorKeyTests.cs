using Tessera.Framework.Models;
using static Tessera.Tests.Models.TaskModels.SegmentorScenes;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

public sealed class SegmentorKeyTests
{
    [Theory]
    [InlineData(Fcn, Fcn)]
    [InlineData("""{ "type": "ConcatHead" }""", """{ "type": "ConcatHead" }""")]
    [InlineData("""{ "type": "OcrHead", "channels": 6, "ocr_channels": 4 }""", Fcn)]
    public void KeyMaps_MmlabNames_ComeBack(string head, string auxiliary)
    {
        using var model = Model($$"""{{SmallBackbone}}, "decode_head": {{head}}, "auxiliary_head": {{auxiliary}}""");
        var keys = model.state_dict().Keys.ToArray();
        var map = model.KeyMaps["mmlab"];
        var foreign = keys.Where(key => !key.EndsWith("last_layer.0.bias", StringComparison.Ordinal))
            .Select(key => map.Publish!(key)!)
            .ToArray();
        Assert.Equal(foreign.Length, foreign.Distinct().Count());
        Assert.All(foreign, key => Assert.Contains(map.Rename(key), keys));
        var cascade = head.Contains("OcrHead", StringComparison.Ordinal);
        Assert.Equal("backbone.layer1.0.conv1.weight", map.Publish!("backbone.layer1.0.conv1.weight"));
        Assert.Contains(cascade ? "decode_head.1.conv_seg.weight" : "decode_head.conv_seg.weight", foreign);
        Assert.Contains(cascade ? "decode_head.0.conv_seg.weight" : "auxiliary_head.conv_seg.weight", foreign);
    }

    [Fact]
    public void KeyMaps_HrnetAuthorsNames_HaveNoPrefix()
    {
        using var model = Model(
            """ "backbone": { "type": "HRNet", "arch": "w18_small", "channels": 4 }, "decode_head": { "type": "ConcatHead" } """
        );
        var map = model.KeyMaps["timm"];
        foreach (var key in model.state_dict().Keys)
        {
            var foreign = map.Publish!(key)!;
            Assert.Equal(key, map.Rename(foreign));
            Assert.Equal(key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..], foreign);
        }
    }

    [Fact]
    public void ClassTensors_AreThoseWithTheClassesInFront()
    {
        using var model = Model(
            $$"""{{SmallBackbone}}, "decode_head": { "type": "ConcatHead" }, "auxiliary_heads": { "a": {{Fcn}}, "b": {{Fcn}} }"""
        );
        var state = model.state_dict();
        Assert.Equal(6, model.ClassTensors.Count);
        Assert.All(model.ClassTensors, tensor => Assert.Equal(4, state[tensor.Name].shape[0]));
        Assert.Equal(
            state.Keys.Where(key => key.StartsWith("decode_head.last_layer.3.", StringComparison.Ordinal)),
            model.ClassTensors.Take(2).Select(tensor => tensor.Name)
        );
    }
}
