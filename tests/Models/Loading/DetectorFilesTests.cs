using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>Detectors as torchvision publishes them (names and shapes from make_detector_keys.py), and in MMDetection's names.</summary>
public sealed class DetectorFilesTests : IDisposable
{
    private const string Neck =
        """ "neck": { "type": "Fpn", "start_level": 1, "num_outs": 5, "add_extra_convs": "on_output", "relu_before_extra_convs": true } """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(
        "retinanet_resnet50_fpn",
        """{ "type": "RetinaHead" }""",
        "head.classification_head.cls_logits.bias",
        "bbox_head.retina_cls.bias",
        9,
        true
    )]
    [InlineData(
        "fcos_resnet50_fpn",
        """{ "type": "FcosHead", "scale_per_level": false }""",
        "head.classification_head.cls_logits.bias",
        "bbox_head.conv_cls.bias",
        1,
        false
    )]
    public void LoadWhole_TorchvisionsDetector_IsComplete(string fixture, string head, string foreign, string own, int anchors, bool frozen)
    {
        // Files that torchvision trained have frozen norms, which count no batches.
        var tensors = FixtureFile
            .Json("models", fixture + ".keys.json")
            .EnumerateObject()
            .Select(entry => (entry.Name, Shape: entry.Value.EnumerateArray().Select(size => size.GetInt64()).ToArray()))
            .Where(entry => !frozen || !entry.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .ToList();
        var path = Path.Combine(_folder, fixture + ".safetensors");
        PlainSafetensors.WriteZeros(path, tensors, foreign, [.. Enumerable.Range(0, 91 * anchors).Select(i => (float)i)]);
        var data = Build.Classes(80, DataTask.Detection);
        using (var model = New(head, data))
        {
            Assert.True(ForeignWeights.LoadWhole(model, path, data).IsComplete);
            // Person is id 1, a traffic light 10, a fire hydrant 11, a stop sign 13; toothbrush, the last, 90.
            var bias = model.state_dict()[own].data<float>().ToArray();
            Assert.Equal(80 * anchors, bias.Length);
            for (var a = 0; a < anchors; a++)
                Assert.Equal(
                    new[] { 1f, 10, 11, 13, 90 }.Select(id => id + (91 * a)),
                    new[] { 0, 9, 10, 11, 79 }.Select(c => bias[(80 * a) + c])
                );
        }

        // For other classes everything but the classifier is taken, and only that is left.
        data = Build.Classes(3, DataTask.Detection);
        using var begun = New(head, data);
        using var first = begun.state_dict()[own].clone();
        var zeros = begun
            .state_dict()
            .Where(pair =>
                pair.Key.StartsWith("bbox_head.", StringComparison.Ordinal) && !begun.ClassTensors.Any(tensor => tensor.Name == pair.Key)
            )
            .ToList();
        new PretrainedInitializer(new PretrainedOptions(path)).Initialize(begun, new InitContext(data));
        Assert.True(first.Equals(begun.state_dict()[own]));
        Assert.All(zeros, pair => Assert.Equal(0, pair.Value.abs().max().item<float>()));
        Assert.Contains(zeros, pair => pair.Key.Contains("reg", StringComparison.Ordinal));
    }

    /// <summary>MMDetection's names, by its ResNet, FPN, RetinaHead and FCOSHead.</summary>
    [Theory]
    [InlineData("RetinaHead", "retina_cls", "retina_reg", 9)]
    [InlineData("FcosHead", "conv_cls", "conv_reg", 1)]
    public void LoadWhole_MmDetectionsNames_AreComplete(string head, string classifier, string regressor, int anchors)
    {
        const int classes = 5;
        var tensors = new MmDetectionFile(head, classifier, regressor, anchors, classes).Tensors;
        var path = Path.Combine(_folder, "mmdet.safetensors");
        PlainSafetensors.Write(path, tensors);
        var data = Build.Classes(classes, DataTask.Detection);
        using var model = Build.From<VisionModel>(
            $$"""
            { "type": "Detector", "backbone": { "type": "ResNet", "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 1, 1], "out_indices": [0, 1, 2, 3] },
              "neck": { "type": "Fpn", "out_channels": 32, "start_level": 1, "num_outs": 5, "add_extra_convs": "on_output" }, "bbox_head": { "type": "{{head}}", "stacked_convs": 2 } }
            """,
            data
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, data).IsComplete);
        var state = model.state_dict();
        foreach (var (name, value) in tensors)
            Assert.True(value.Equals(state[name]), name);
        foreach (var (_, value) in tensors)
            value.Dispose();
    }

    private static VisionModel New(string head, DataInfo data) =>
        Build.From<VisionModel>(
            $$"""
            { "type": "Detector", "backbone": { "type": "ResNet", "depth": 50 }, {{Neck}}, "bbox_head": {{head}} }
            """,
            data
        );
}
