using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using TorchSharp;
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
        const int classes = 5,
            width = 4,
            channels = 32;
        var tensors = new List<(string Name, Tensor Value)>();
        Convolution("backbone.conv1", width, 3, 7, false);
        Norm("backbone.bn1", width);
        for (int stage = 1, from = width; stage <= 4; stage++)
        {
            var planes = width << (stage - 1);
            var block = $"backbone.layer{stage}.0";
            foreach (var (i, (outputs, inputs, size)) in new[] { (planes, from, 1), (planes, planes, 3), (planes * 4, planes, 1) }.Index())
            {
                Convolution($"{block}.conv{i + 1}", outputs, inputs, size, false);
                Norm($"{block}.bn{i + 1}", outputs);
            }
            Convolution($"{block}.downsample.0", planes * 4, from, 1, false);
            Norm($"{block}.downsample.1", planes * 4);
            from = planes * 4;
            if (stage > 1)
                Convolution($"neck.lateral_convs.{stage - 2}.conv", channels, from, 1, true);
        }
        for (var i = 0; i < 5; i++)
            Convolution($"neck.fpn_convs.{i}.conv", channels, channels, 3, true);
        foreach (var tower in new[] { "cls_convs", "reg_convs" })
            for (var i = 0; i < 2; i++)
            {
                Convolution($"bbox_head.{tower}.{i}.conv", channels, channels, 3, true);
                if (head == "FcosHead")
                    Affine($"bbox_head.{tower}.{i}.gn", channels);
            }
        Convolution($"bbox_head.{classifier}", anchors * classes, channels, 3, true);
        Convolution($"bbox_head.{regressor}", anchors * 4, channels, 3, true);
        if (head == "FcosHead")
        {
            Convolution("bbox_head.conv_centerness", 1, channels, 3, true);
            for (var i = 0; i < 5; i++)
                tensors.Add(($"bbox_head.scales.{i}.scale", tensor(1f + i)));
        }

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

        void Convolution(string name, int outputs, int inputs, int size, bool bias)
        {
            tensors.Add((name + ".weight", Formula.Values(name + ".weight", outputs, inputs, size, size)));
            if (bias)
                tensors.Add((name + ".bias", Formula.Values(name + ".bias", outputs)));
        }

        void Affine(string name, int width)
        {
            foreach (var part in new[] { "weight", "bias" })
                tensors.Add(($"{name}.{part}", Formula.Values($"{name}.{part}", width)));
        }

        void Norm(string name, int width)
        {
            Affine(name, width);
            foreach (var part in new[] { "running_mean", "running_var" })
                tensors.Add(($"{name}.{part}", Formula.Values($"{name}.{part}", width)));
            tensors.Add((name + ".num_batches_tracked", tensor(7L)));
        }
    }

    private static VisionModel New(string head, DataInfo data) =>
        Build.From<VisionModel>(
            $$"""
            { "type": "Detector", "backbone": { "type": "ResNet", "depth": 50 }, {{Neck}}, "bbox_head": {{head}} }
            """,
            data
        );
}
