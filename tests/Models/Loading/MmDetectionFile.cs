using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>The tensors of a small detector by MMDetection's names: ResNet, FPN, and a RetinaHead or FCOSHead.</summary>
internal sealed class MmDetectionFile
{
    private const int Width = 4;
    private const int Channels = 32;

    public MmDetectionFile(string head, string classifier, string regressor, int anchors, int classes)
    {
        AddBackboneAndNeck();
        foreach (var tower in new[] { "cls_convs", "reg_convs" })
            for (var i = 0; i < 2; i++)
            {
                Convolution($"bbox_head.{tower}.{i}.conv", Channels, Channels, 3, true);
                if (head == "FcosHead")
                    Affine($"bbox_head.{tower}.{i}.gn", Channels);
            }
        Convolution($"bbox_head.{classifier}", anchors * classes, Channels, 3, true);
        Convolution($"bbox_head.{regressor}", anchors * 4, Channels, 3, true);
        if (head == "FcosHead")
        {
            Convolution("bbox_head.conv_centerness", 1, Channels, 3, true);
            for (var i = 0; i < 5; i++)
                Tensors.Add(($"bbox_head.scales.{i}.scale", tensor(1f + i)));
        }
    }

    public List<(string Name, Tensor Value)> Tensors { get; } = [];

    private void AddBackboneAndNeck()
    {
        Convolution("backbone.conv1", Width, 3, 7, false);
        Norm("backbone.bn1", Width);
        for (int stage = 1, from = Width; stage <= 4; stage++)
        {
            var planes = Width << (stage - 1);
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
                Convolution($"neck.lateral_convs.{stage - 2}.conv", Channels, from, 1, true);
        }
        for (var i = 0; i < 5; i++)
            Convolution($"neck.fpn_convs.{i}.conv", Channels, Channels, 3, true);
    }

    private void Convolution(string name, int outputs, int inputs, int size, bool bias)
    {
        Tensors.Add((name + ".weight", Formula.Values(name + ".weight", outputs, inputs, size, size)));
        if (bias)
            Tensors.Add((name + ".bias", Formula.Values(name + ".bias", outputs)));
    }

    private void Affine(string name, int width)
    {
        foreach (var part in new[] { "weight", "bias" })
            Tensors.Add(($"{name}.{part}", Formula.Values($"{name}.{part}", width)));
    }

    private void Norm(string name, int width)
    {
        Affine(name, width);
        foreach (var part in new[] { "running_mean", "running_var" })
            Tensors.Add(($"{name}.{part}", Formula.Values($"{name}.{part}", width)));
        Tensors.Add((name + ".num_batches_tracked", tensor(7L)));
    }
}
