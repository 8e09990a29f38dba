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

    /// <summary>A neck is called as here; both SegFormers lie below the same prefixes.</summary>
    [Theory]
    [InlineData(
        Stages,
        """{ "type": "FpnHead", "channels": 6 }""",
        "mmlab",
        "neck.fpn_convs.3.conv.weight",
        "neck.fpn_convs.3.conv.weight"
    )]
    [InlineData(
        Stages,
        """{ "type": "FpnHead", "channels": 6 }""",
        "mmlab",
        "decode_head.scale_heads.2.2.bn.weight",
        "decode_head.scale_heads.2.2.bn.weight"
    )]
    [InlineData(
        Mit,
        """{ "type": "SegformerHead" }""",
        "mmlab",
        "backbone.layers.2.1.0.ffn.layers.4.bias",
        "backbone.block3.0.mlp.fc2.bias"
    )]
    [InlineData(Mit, """{ "type": "SegformerHead" }""", "mmlab", "decode_head.fusion_conv.bn.bias", "decode_head.fusion_conv.bn.bias")]
    [InlineData(
        Mit,
        """{ "type": "SegformerHead", "plain": true }""",
        "nvlabs",
        "decode_head.linear_c4.proj.weight",
        "decode_head.convs.3.conv.weight"
    )]
    [InlineData(
        Mit,
        """{ "type": "SegformerHead", "plain": true }""",
        "nvlabs",
        "backbone.block3.0.attn.q.weight",
        "backbone.block3.0.attn.q.weight"
    )]
    [InlineData(Mit, """{ "type": "SegformerHead", "plain": true }""", "nvlabs", "decode_head.conv_seg.weight", null)]
    public void KeyMaps_NamesOfWholeModels_AreRead(string parts, string head, string project, string foreign, string? own)
    {
        using var model = Model($$"""{{parts}}, "decode_head": {{head}}""");
        Assert.Equal(own, model.KeyMaps[project].Rename(foreign));
        if (own is null)
            return;
        Assert.Contains(own, model.state_dict().Keys);
        if (model.KeyMaps[project].Publish is { } publish)
            Assert.Equal(foreign, publish(own));
    }

    private const string Stages =
        """ "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [0, 1, 2, 3] }, "neck": { "type": "Fpn", "out_channels": 8 } """;

    private const string Mit =
        """ "backbone": { "type": "MixVisionTransformer", "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1] } """;

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
