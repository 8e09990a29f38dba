using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>Faster R-CNN and Mask R-CNN as torchvision publishes them (names and shapes from make_two_stage.py), and all three in
/// MMDetection's names.</summary>
public sealed class TwoStageFilesTests : IDisposable
{
    private const string Start = """ "type": "TwoStageDetector", "neck": { "type": "Fpn", "num_outs": 5 } """;

    private const string Published =
        $$""" {{Start}}, "backbone": { "type": "ResNet", "depth": 50 }, "rpn_head": { "type": "RpnHead", "anchor_generator": { "type": "AnchorGenerator", "scales": [8] } } """;

    private const string Small =
        $$""" {{Start}}, "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "stage_blocks": [1, 1, 1, 1] }, "rpn_head": { "type": "RpnHead" } """;

    private const string Masks = """ "mask_head": { "type": "FcnMaskHead" } """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fasterrcnn_resnet50_fpn", "", false)]
    [InlineData("fasterrcnn_resnet50_fpn", "", true)]
    [InlineData("maskrcnn_resnet50_fpn", Masks, false)]
    [InlineData("maskrcnn_resnet50_fpn", Masks, true)]
    public void LoadWhole_TorchvisionsDetector_IsComplete_TheBackgroundLast(string fixture, string mask, bool older)
    {
        var path = Write(fixture, older);
        var data = Build.Classes(80, DataTask.Detection);
        using var model = New(Published, mask, data);
        Assert.True(ForeignWeights.LoadWhole(model, path, data).IsComplete);
        // Person is id 1, a traffic light 10, a fire hydrant 11, a stop sign 13; toothbrush, the last, 90. Then the background, 0.
        var bias = model.state_dict()["roi_head.bbox_head.fc_cls.bias"].data<float>().ToArray();
        Assert.Equal(81, bias.Length);
        Assert.Equal([1f, 10, 11, 13, 90, 0], new[] { 0, 9, 10, 11, 79, 80 }.Select(c => bias[c]));
        using var boxes = arange(91 * 4).to(ScalarType.Float32);
        using var reshaped = model.KeyMaps["torchvision"].Reshape!("roi_head.bbox_head.fc_reg.bias", boxes);
        Assert.Equal([320], reshaped.shape);
        Assert.Equal([4f, 5, 6, 7, 8], reshaped.data<float>().ToArray()[..5]);
        Assert.Equal([360f, 361, 362, 363], reshaped.data<float>().ToArray()[^4..]);
        if (mask == "")
            return;
        using var rows = arange(91).to(ScalarType.Float32).view(91, 1, 1, 1);
        using var ofClasses = model.KeyMaps["torchvision"].Reshape!("roi_head.mask_head.conv_logits.weight", rows);
        Assert.Equal([80, 1, 1, 1], ofClasses.shape);
        Assert.Equal((1f, 90f), (ofClasses[0].item<float>(), ofClasses[79].item<float>()));
    }

    [Fact]
    public void LoadWhole_AnotherVariant_IsTheUsersMistake_AndNamesWhatIsMissing()
    {
        var data = Build.Classes(80, DataTask.Detection);
        using var withMasks = New(Published, Masks, data);
        Assert.Contains(
            "roi_head.mask_head",
            Assert
                .Throws<UserErrorException>(() => ForeignWeights.LoadWhole(withMasks, Write("fasterrcnn_resnet50_fpn", false), data))
                .Message,
            StringComparison.Ordinal
        );
        using var without = New(Published, "", data);
        Assert.Contains(
            "roi_heads.mask_head",
            Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(without, Write("maskrcnn_resnet50_fpn", false), data)).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(without, Write("retinanet_resnet50_fpn", false), data));
    }

    /// <summary>Other classes: their rows keep their first weights; all else is taken.</summary>
    [Fact]
    public void Pretrained_OtherClasses_LeavesTheirRowsAsTheyBegin()
    {
        var data = Build.Classes(3, DataTask.Detection);
        using var model = New(Published, Masks, data);
        var state = model.state_dict();
        string[] ofClasses =
        [
            "roi_head.bbox_head.fc_cls.weight",
            "roi_head.bbox_head.fc_reg.weight",
            "roi_head.mask_head.conv_logits.weight",
        ];
        var before = ofClasses.Select(name => state[name].clone()).ToArray();
        new PretrainedInitializer(new PretrainedOptions(Write("maskrcnn_resnet50_fpn", false))).Initialize(model, new InitContext(data));
        foreach (var (name, first) in ofClasses.Zip(before))
            Assert.True(first.Equals(state[name]), name);
        foreach (
            var name in (string[])
                ["rpn_head.rpn_conv.weight", "roi_head.bbox_head.shared_fcs.1.weight", "roi_head.mask_head.upsample.weight"]
        )
            Assert.Equal(0, state[name].abs().max().item<float>());
    }

    /// <summary>Names of mmdet/models: dense_heads/rpn_head.py, roi_heads/bbox_heads/convfc_bbox_head.py and
    /// roi_heads/mask_heads/fcn_mask_head.py.</summary>
    [Theory]
    [InlineData("""{ "type": "StandardRoIHead" }""", 1, false)]
    [InlineData("""{ "type": "StandardRoIHead", "mask_head": { "type": "FcnMaskHead" } }""", 1, true)]
    [InlineData("""{ "type": "CascadeRoIHead" }""", 3, false)]
    public void LoadWhole_MmDetectionsNames_AreComplete(string head, int stages, bool masks)
    {
        const int classes = 5;
        var data = Build.Classes(classes, DataTask.Detection);
        using var model = Build.From<VisionModel>($$"""{ {{Small}}, "roi_head": {{head}} }""", data);
        var state = model.state_dict();
        var expected = new Dictionary<string, long[]>
        {
            ["rpn_head.rpn_conv.weight"] = [256, 256, 3, 3],
            ["rpn_head.rpn_conv.bias"] = [256],
            ["rpn_head.rpn_cls.weight"] = [3, 256, 1, 1],
            ["rpn_head.rpn_cls.bias"] = [3],
            ["rpn_head.rpn_reg.weight"] = [12, 256, 1, 1],
            ["rpn_head.rpn_reg.bias"] = [12],
        };
        for (var stage = 0; stage < stages; stage++)
        {
            var name = stages == 1 ? "roi_head.bbox_head." : $"roi_head.bbox_head.{stage}.";
            var boxes = stages == 1 ? 4 * classes : 4; // a cascade has one box a region
            foreach (
                var (layer, outputs, inputs) in new[]
                {
                    ("shared_fcs.0", 1024, 256 * 49),
                    ("shared_fcs.1", 1024, 1024),
                    ("fc_cls", classes + 1, 1024),
                    ("fc_reg", boxes, 1024),
                }
            )
                (expected[$"{name}{layer}.weight"], expected[$"{name}{layer}.bias"]) = ([outputs, inputs], [outputs]);
        }
        for (var i = 0; masks && i < 4; i++)
            (expected[$"roi_head.mask_head.convs.{i}.conv.weight"], expected[$"roi_head.mask_head.convs.{i}.conv.bias"]) = (
                [256, 256, 3, 3],
                [256]
            );
        if (masks)
        {
            (expected["roi_head.mask_head.upsample.weight"], expected["roi_head.mask_head.upsample.bias"]) = ([256, 256, 2, 2], [256]);
            (expected["roi_head.mask_head.conv_logits.weight"], expected["roi_head.mask_head.conv_logits.bias"]) = (
                [classes, 256, 1, 1],
                [classes]
            );
        }
        Assert.Equal(
            expected.Select(pair => $"{pair.Key} [{string.Join(", ", pair.Value)}]").Order(),
            state
                .Where(pair =>
                    pair.Key.StartsWith("rpn_head.", StringComparison.Ordinal) || pair.Key.StartsWith("roi_head.", StringComparison.Ordinal)
                )
                .Select(pair => $"{pair.Key} [{string.Join(", ", pair.Value.shape)}]")
                .Order()
        );

        var map = model.KeyMaps["mmlab"];
        var path = Path.Combine(_folder, "mmdet.safetensors");
        using var scope = NewDisposeScope();
        var tensors = state
            .Select(pair => (Name: map.Publish!(pair.Key)!, Own: pair.Key, Value: Formula.Values(pair.Key, pair.Value.shape)))
            .ToList();
        PlainSafetensors.Write(
            path,
            tensors.Select(entry =>
                (
                    entry.Name,
                    entry.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal) ? zeros([], ScalarType.Int64) : entry.Value
                )
            )
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, data).IsComplete);
        foreach (var (_, own, value) in tensors.Where(entry => !entry.Own.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
            Assert.True(value.Equals(state[own]), own);
    }

    /// <param name="older">As before torchvision 0.13.</param>
    private string Write(string fixture, bool older)
    {
        var tensors = FixtureFile
            .Json("models", fixture + ".keys.json")
            .EnumerateObject()
            .Select(entry =>
                (older ? Older(entry.Name) : entry.Name, entry.Value.EnumerateArray().Select(size => size.GetInt64()).ToArray())
            )
            .Where(entry => !entry.Item1.EndsWith("num_batches_tracked", StringComparison.Ordinal)) // trained files have frozen norms
            .ToList();
        var path = Path.Combine(_folder, $"{fixture}{older}.safetensors");
        var classifier = tensors.Single(entry =>
            entry.Item1.EndsWith("cls_score.bias", StringComparison.Ordinal)
            || entry.Item1.EndsWith("classification_head.cls_logits.bias", StringComparison.Ordinal)
        );
        PlainSafetensors.WriteZeros(
            path,
            tensors,
            classifier.Item1,
            [.. Enumerable.Range(0, (int)classifier.Item2[0]).Select(i => (float)i)]
        );
        return path;
    }

    private static string Older(string name)
    {
        name = name.Replace("rpn.head.conv.0.0.", "rpn.head.conv.", StringComparison.Ordinal);
        for (var i = 0; i < 4; i++)
            name = name.Replace($"mask_head.{i}.0.", $"mask_head.mask_fcn{i + 1}.", StringComparison.Ordinal)
                .Replace($"inner_blocks.{i}.0.", $"inner_blocks.{i}.", StringComparison.Ordinal)
                .Replace($"layer_blocks.{i}.0.", $"layer_blocks.{i}.", StringComparison.Ordinal);
        return name;
    }

    private static VisionModel New(string start, string mask, DataInfo data) =>
        Build.From<VisionModel>($$"""{ {{start}}, "roi_head": { "type": "StandardRoIHead"{{(mask == "" ? "" : "," + mask)}} } }""", data);
}
