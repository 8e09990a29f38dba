using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones.ConvNeXts;

/// <summary>What other projects call the parameters of a <see cref="ConvNeXt"/>.</summary>
internal static class ConvNeXtKeys
{
    private static readonly (string, string)[] _two = [(".0", ".0"), (".1", ".1")];

    /// <param name="depths">Blocks of each stage.</param>
    /// <param name="given">The stages whose normed maps are given; null: a classifier's vector.</param>
    /// <param name="grn">Whether it is version 2.</param>
    public static IReadOnlyDictionary<string, KeyMap> Of(int[] depths, int[]? given, bool grn)
    {
        var (authors, torchvision) = (new ModuleNames(), new ModuleNames());
        var (timm, mmlab, transformers) = (new ModuleNames(), new ModuleNames(), new ModuleNames());
        Norms(authors, torchvision, timm, mmlab, depths.Length, given);
        foreach (var i in given ?? [depths.Length - 1])
            transformers.Pair(
                i == depths.Length - 1 ? "layernorm" : $"hidden_states_norms.stage{i + 1}",
                given is null ? "norm" : $"norm{i}"
            );
        transformers.Pair("embeddings.patch_embeddings", "downsample_layers.0.0").Pair("embeddings.layernorm", "downsample_layers.0.1");
        for (var i = 0; i < depths.Length; i++)
        {
            var halving = $"downsample_layers.{i}";
            authors.Pairs(halving, halving, _two);
            mmlab.Pairs(halving, halving, _two);
            torchvision.Pairs($"features.{2 * i}", halving, _two);
            timm.Pairs(i == 0 ? "stem" : $"stages.{i}.downsample", halving, _two);
            if (i > 0)
                transformers.Pairs($"encoder.stages.{i}.downsampling_layer", halving, _two);
            for (var j = 0; j < depths[i]; j++)
            {
                var own = $"stages.{i}.{j}.";
                foreach (var name in new[] { "dwconv", "norm", "pwconv1", "pwconv2", "grn", "gamma" })
                    authors.Pair(own + name, own + name);
                Block(mmlab, own, own, "depthwise_conv", "pointwise_conv1", "pointwise_conv2", "grn.gamma", "grn.beta", "gamma");
                Block(timm, $"stages.{i}.blocks.{j}.", own, "conv_dw", "mlp.fc1", "mlp.fc2", "mlp.grn.weight", "mlp.grn.bias", "gamma");
                Transformers(transformers, $"encoder.stages.{i}.layers.{j}.", own);
                var theirs = $"features.{(2 * i) + 1}.{j}.";
                torchvision
                    .Pair(theirs + "block.0", own + "dwconv")
                    .Pair(theirs + "block.2", own + "norm")
                    .Pair(theirs + "block.3", own + "pwconv1")
                    .Pair(theirs + "block.5", own + "pwconv2")
                    .Pair(theirs + "layer_scale", own + "gamma");
            }
        }
        var maps = new Dictionary<string, KeyMap>
        {
            ["facebook"] = OfShapes(authors.ToKeyMap("head"), IsGrn, 3, 0),
            // Linear layers may be 1x1 convolutions in both.
            ["timm"] = OfShapes(timm.ToKeyMap("head.fc"), _ => false, 0, 0),
            ["mmlab"] = OfShapes(mmlab.ToKeyMap("head.fc", "backbone."), _ => false, 0, 0),
        };
        var prefix = grn ? "convnextv2." : "convnext.";
        maps["transformers"] = OfShapes(transformers.ToKeyMap("classifier", prefix), IsGrn, 3, 0);
        if (!grn) // torchvision has version 1 alone
            maps["torchvision"] = OfShapes(torchvision.ToKeyMap("classifier.2"), IsScale, 0, 2);
        return maps;
    }

    private static void Norms(ModuleNames authors, ModuleNames torchvision, ModuleNames timm, ModuleNames mmlab, int stages, int[]? given)
    {
        if (given is null)
        {
            authors.Pair("norm", "norm");
            torchvision.Pair("classifier.0", "norm");
            timm.Pair("head.norm", "norm");
            mmlab.Pair($"norm{stages - 1}", "norm");
            return;
        }
        foreach (var i in given)
        {
            authors.Pair($"norm{i}", $"norm{i}");
            mmlab.Pair($"norm{i}", $"norm{i}");
            // A classifier's norm is the only one there; the last stage's takes it.
            torchvision.Pair(i == stages - 1 ? "classifier.0" : $"norm{i}", $"norm{i}");
            timm.Pair(i == stages - 1 ? "head.norm" : $"norm{i}", $"norm{i}");
        }
    }

    private static void Transformers(ModuleNames names, string theirs, string own) =>
        Block(names, theirs, own, "dwconv", "pwconv1", "pwconv2", "grn.weight", "grn.bias", "layer_scale_parameter")
            .Pair(theirs + "layernorm", own + "norm");

    private static ModuleNames Block(
        ModuleNames names,
        string theirs,
        string own,
        string depthwise,
        string first,
        string second,
        string grnWeight,
        string grnBias,
        string gamma
    ) =>
        names
            .Pair(theirs + depthwise, own + "dwconv")
            .Pair(theirs + "norm", own + "norm")
            .Pair(theirs + first, own + "pwconv1")
            .Pair(theirs + second, own + "pwconv2")
            .Pair(theirs + grnWeight, own + "grn.gamma")
            .Pair(theirs + grnBias, own + "grn.beta")
            .Pair(theirs + gamma, own + "gamma");

    private static bool IsGrn(string key) => key.Contains(".grn.", StringComparison.Ordinal);

    private static bool IsScale(string key) => key.EndsWith(".gamma", StringComparison.Ordinal) && !IsGrn(key);

    /// <summary>The map of a form whose tensors have further dimensions of 1: factors as maps, linear layers as convolutions.</summary>
    /// <param name="widened">Those of our vectors that are published so.</param>
    /// <param name="before">Dimensions of 1 before a published one's.</param>
    /// <param name="after">Dimensions of 1 after it.</param>
    private static KeyMap OfShapes(KeyMap map, Func<string, bool> widened, int before, int after) =>
        map with
        {
            Reshape = (key, stored) =>
                IsGrn(key) || IsScale(key) ? stored.flatten()
                : key.Contains(".pwconv", StringComparison.Ordinal) && stored.dim() == 4 ? stored.flatten(1)
                : stored,
            PublishAs = key => widened(key) ? PublishedForms.Ones(before, after) : null,
        };
}
