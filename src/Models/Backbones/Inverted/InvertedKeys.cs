using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones.Inverted;

/// <summary>What other projects call the parameters of an <see cref="InvertedBackbone"/>.</summary>
internal static class InvertedKeys
{
    private static readonly (string, string)[] _side = [(".0", ".conv"), (".1", ".bn")];
    private static readonly (string, string)[] _named = [(".conv", ".conv"), (".bn", ".bn")];

    public static IReadOnlyDictionary<string, KeyMap> Of(InvertedPlan plan) =>
        new Dictionary<string, KeyMap>
        {
            ["torchvision"] = Torchvision(plan),
            ["timm"] = Timm(plan),
            ["mmlab"] = Mmlab(plan),
        };

    /// <summary>A block with its place in the network.</summary>
    /// <param name="Own">Its name here.</param>
    /// <param name="Stage">From 1.</param>
    /// <param name="Index">In its stage, from 0.</param>
    /// <param name="Number">In the network, from 1.</param>
    /// <param name="Expands">Whether its inside is wider than what comes in.</param>
    private sealed record Placed(string Own, int Stage, int Index, int Number, InvertedShape Shape, bool Expands);

    private static IEnumerable<Placed> Blocks(InvertedPlan plan)
    {
        var (number, width) = (0, plan.Stem);
        foreach (var (stage, shapes) in plan.Stages.Index())
        foreach (var (index, shape) in shapes.Index())
        {
            yield return new Placed($"layer{stage + 1}.{index}", stage + 1, index, ++number, shape, shape.Hidden != width);
            width = shape.Channels;
        }
    }

    /// <summary>A block's layers in order, by their names here.</summary>
    private static List<string> Layers(Placed block)
    {
        if (block.Shape.Fused && !block.Expands)
            return ["conv"];
        List<string> layers = block.Expands ? ["expand_conv"] : [];
        if (!block.Shape.Fused)
            layers.Add("depthwise_conv");
        if (block.Shape.Squeezed > 0)
            layers.Add("se");
        layers.Add("linear_conv");
        return layers;
    }

    private static KeyMap Torchvision(InvertedPlan plan)
    {
        var byStage = plan.Family is InvertedFamily.EfficientNet or InvertedFamily.EfficientNetV2;
        var names = new ModuleNames().Pairs("features.0", "conv1", _side);
        var count = 0;
        foreach (var block in Blocks(plan))
        {
            count = byStage ? block.Stage : block.Number;
            var theirs = byStage ? $"features.{block.Stage}.{block.Index}.block" : $"features.{block.Number}";
            if (plan.Family == InvertedFamily.MobileNetV3)
                theirs += ".block";
            foreach (var (i, layer) in Layers(block).Index())
                if (layer == "se")
                    names.Pair($"{theirs}.{i}.fc1", $"{block.Own}.se.conv1").Pair($"{theirs}.{i}.fc2", $"{block.Own}.se.conv2");
                else if (plan.Family != InvertedFamily.MobileNetV2)
                    names.Pairs($"{theirs}.{i}", $"{block.Own}.{layer}", _side);
                else if (layer != "linear_conv")
                    names.Pairs($"{theirs}.conv.{i}", $"{block.Own}.{layer}", _side);
                else // the last two lie flat
                    names.Pair($"{theirs}.conv.{i}", $"{block.Own}.{layer}.conv").Pair($"{theirs}.conv.{i + 1}", $"{block.Own}.{layer}.bn");
        }
        names.Pairs($"features.{count + 1}", "conv2", _side).Pair("classifier.0", "pooled.fc");
        return names.ToKeyMap(plan.Family == InvertedFamily.MobileNetV3 ? "classifier.3" : "classifier.1");
    }

    private static KeyMap Timm(InvertedPlan plan)
    {
        var names = new ModuleNames().Pair("conv_stem", "conv1.conv").Pair("bn1", "conv1.bn");
        foreach (var block in Blocks(plan))
        {
            var theirs = $"blocks.{block.Stage - 1}.{block.Index}.";
            var norm = 0;
            foreach (var layer in Layers(block))
            {
                if (layer == "se")
                {
                    names.Pair(theirs + "se.conv_reduce", $"{block.Own}.se.conv1").Pair(theirs + "se.conv_expand", $"{block.Own}.se.conv2");
                    continue;
                }
                var convolution = layer switch
                {
                    "conv" => "conv",
                    "expand_conv" => block.Shape.Fused ? "conv_exp" : "conv_pw",
                    "depthwise_conv" => "conv_dw",
                    _ => block.Expands ? "conv_pwl" : "conv_pw",
                };
                names.Pair(theirs + convolution, $"{block.Own}.{layer}.conv").Pair($"{theirs}bn{++norm}", $"{block.Own}.{layer}.bn");
            }
        }
        if (plan.Family != InvertedFamily.MobileNetV3)
            return names.Pair("conv_head", "conv2.conv").Pair("bn2", "conv2.bn").ToKeyMap("classifier");

        var last = $"blocks.{plan.Stages.Count}.0.";
        names.Pair(last + "conv", "conv2.conv").Pair(last + "bn1", "conv2.bn").Pair("conv_head", "pooled.fc");
        return names.ToKeyMap("classifier") with
        {
            // A 1x1 convolution there.
            Reshape = (key, stored) => key == "pooled.fc.weight" && stored.dim() == 4 ? stored.flatten(1) : stored,
            PublishAs = key => key == "pooled.fc.weight" ? PublishedForms.Ones(0, 2) : null,
        };
    }

    private static KeyMap Mmlab(InvertedPlan plan)
    {
        var names = new ModuleNames();
        var (first, last) = plan.Family switch
        {
            InvertedFamily.MobileNetV2 => ("conv1", "conv2"),
            InvertedFamily.MobileNetV3 => ("layer0", $"layer{plan.Stages.Sum(stage => stage.Length) + 1}"),
            InvertedFamily.EfficientNet => ("layers.0", $"layers.{plan.LevelOfStage.Max() + 2}"),
            _ => ("layers.0", $"layers.{plan.Stages.Count + 1}"),
        };
        names.Pairs(first, "conv1", _named).Pairs(last, "conv2", _named).Pair("head.layers.0.fc", "pooled.fc");
        foreach (var block in Blocks(plan))
        {
            var theirs = plan.Family switch
            {
                InvertedFamily.MobileNetV2 => $"layer{block.Stage}.{block.Index}.conv",
                InvertedFamily.MobileNetV3 => $"layer{block.Number}",
                InvertedFamily.EfficientNet => OfLevel(plan, block),
                _ => $"layers.{block.Stage}.{block.Index}",
            };
            foreach (var (i, layer) in Layers(block).Index())
            {
                var (own, name) = ($"{block.Own}.{layer}", plan.Family == InvertedFamily.MobileNetV2 ? $"{i}" : Mmlab(block, layer));
                if (layer == "se")
                    names.Pair($"{theirs}.se.conv1.conv", own + ".conv1").Pair($"{theirs}.se.conv2.conv", own + ".conv2");
                else
                    names.Pairs(name.Length == 0 ? theirs : $"{theirs}.{name}", own, _named);
            }
        }
        return names.ToKeyMap(plan.Family == InvertedFamily.MobileNetV3 ? "head.layers.1.fc" : "head.fc", "backbone.");
    }

    private static string Mmlab(Placed block, string layer) =>
        !block.Shape.Fused ? layer
        : layer == "conv" ? "" // the block is the convolution
        : layer == "expand_conv" ? "conv1"
        : "conv2";

    // EfficientNet's stages of one stride are one layer there.
    private static string OfLevel(InvertedPlan plan, Placed block)
    {
        var level = plan.LevelOfStage[block.Stage - 1];
        var before = plan.Stages.Where((_, i) => i < block.Stage - 1 && plan.LevelOfStage[i] == level).Sum(stage => stage.Length);
        return $"layers.{level + 1}.{before + block.Index}";
    }
}
