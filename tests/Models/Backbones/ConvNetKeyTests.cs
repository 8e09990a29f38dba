using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

/// <summary>Names of other projects that no fixture holds, and checkpoints of other variants.</summary>
public sealed class ConvNetKeyTests
{
    /// <summary>torchvision's files of DenseNets bear dots where its code has none.</summary>
    [Theory]
    [InlineData("features.denseblock2.denselayer12.norm.1.running_mean", "stage2.block.11.norm1.running_mean")]
    [InlineData("features.denseblock1.denselayer1.conv.2.weight", "stage1.block.0.conv2.weight")]
    [InlineData("features.denseblock1.denselayer1.conv2.weight", "stage1.block.0.conv2.weight")]
    [InlineData("features.transition3.conv.weight", "stage4.conv.weight")]
    [InlineData("features.norm5.bias", "stage4.norm5.bias")]
    [InlineData("features.relu5.bias", null)]
    [InlineData("classifier.weight", null)]
    public void DenseNet_OldAndNewNames_AreRead(string foreign, string? own)
    {
        using var backbone = Build.From<Backbone>("""{ "type": "DenseNet" }""");
        Assert.Equal(own, backbone.KeyMaps["torchvision"].Rename(foreign));
    }

    /// <summary>MMPretrain's names, as its files of these networks have them.</summary>
    [Theory]
    [InlineData("EfficientNet", "backbone.layers.0.bn.weight", "conv1.bn.weight")]
    [InlineData("EfficientNet", "backbone.layers.4.3.depthwise_conv.conv.weight", "layer5.0.depthwise_conv.conv.weight")]
    [InlineData("EfficientNet", "backbone.layers.5.4.se.conv2.conv.bias", "layer7.0.se.conv2.bias")]
    [InlineData("EfficientNet", "backbone.layers.6.conv.weight", "conv2.conv.weight")]
    [InlineData("EfficientNetV2", "backbone.layers.1.1.conv.weight", "layer1.1.conv.conv.weight")]
    [InlineData("EfficientNetV2", "backbone.layers.2.0.conv1.bn.bias", "layer2.0.expand_conv.bn.bias")]
    [InlineData("EfficientNetV2", "backbone.layers.7.conv.weight", "conv2.conv.weight")]
    [InlineData("MobileNetV2", "backbone.layer2.0.conv.0.conv.weight", "layer2.0.expand_conv.conv.weight")]
    [InlineData("MobileNetV2", "backbone.layer1.0.conv.1.bn.weight", "layer1.0.linear_conv.bn.weight")]
    [InlineData("MobileNetV3", "backbone.layer0.conv.weight", "conv1.conv.weight")]
    [InlineData("MobileNetV3", "backbone.layer4.se.conv1.conv.weight", "layer3.0.se.conv1.weight")]
    [InlineData("MobileNetV3", "backbone.layer12.bn.weight", "conv2.bn.weight")]
    [InlineData("MobileNetV3", "head.layers.0.fc.weight", "pooled.fc.weight")]
    [InlineData("MobileNetV3", "head.layers.1.fc.weight", null)]
    [InlineData("RegNet", "backbone.layer2.0.downsample.1.weight", "layer2.0.downsample.bn.weight")]
    [InlineData("RegNet", "backbone.bn1.weight", "stem.bn.weight")]
    [InlineData("DenseNet", "backbone.stages.1.block.3.norm2.bias", "stage2.block.3.norm2.bias")]
    [InlineData("DenseNet", "backbone.transitions.0.conv.weight", "stage2.conv.weight")]
    [InlineData("DenseNet", "backbone.transitions.3.0.weight", "stage4.norm5.weight")]
    [InlineData("ConvNeXt", "backbone.stages.2.8.pointwise_conv1.weight", "stages.2.8.pwconv1.weight")]
    [InlineData("ConvNeXt", "backbone.norm3.weight", "norm.weight")]
    [InlineData("Res2Net", "backbone.layer1.0.convs.2.weight", "layer1.0.convs.2.weight")]
    public void MmlabNames_AreRead(string type, string foreign, string? own)
    {
        using var backbone = Build.From<Backbone>($$"""{ "type": "{{type}}" }""");
        Assert.Equal(own, backbone.KeyMaps["mmlab"].Rename(foreign));
        if (own is not null)
            Assert.True(backbone.state_dict().ContainsKey(own), own);
    }

    /// <summary>Another variant's checkpoint: one message, which names what is missing or of another shape.</summary>
    [Theory]
    [InlineData("""{ "type": "EfficientNet", "arch": "b0" }""", """{ "type": "EfficientNet", "arch": "b1" }""")]
    [InlineData("""{ "type": "RegNet", "arch": "x002" }""", """{ "type": "RegNet", "arch": "y002" }""")]
    [InlineData("""{ "type": "MobileNetV3" }""", """{ "type": "MobileNetV3", "arch": "large" }""")]
    [InlineData("""{ "type": "ConvNeXt", "arch": "atto" }""", """{ "type": "ConvNeXt", "arch": "femto" }""")]
    public void LoadWhole_AnotherVariant_IsRefused(string saved, string wanted)
    {
        var data = Build.Classes(10);
        using var from = Classifier(saved, data);
        using var into = Classifier(wanted, data);
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using var scope = NewDisposeScope();
            var map = from.KeyMaps["timm"];
            ForeignFile.Write(
                path,
                from.state_dict()
                    .Where(entry => !entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                    .Select(entry => (map.Publish!(entry.Key)!, entry.Value))
            );
            var error = Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(into, path, data));
            Assert.Contains(Path.GetFileName(path), error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ImageClassifier Classifier(string backbone, DataInfo data) =>
        (ImageClassifier)
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
                data
            );
}
