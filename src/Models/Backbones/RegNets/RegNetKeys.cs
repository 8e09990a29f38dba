using Tessera.Framework.Models;

namespace Tessera.Models.Backbones.RegNets;

/// <summary>What other projects call the parameters of a <see cref="RegNet"/>.</summary>
internal static class RegNetKeys
{
    public static IReadOnlyDictionary<string, KeyMap> Of(RegNetPlan plan)
    {
        (string, string)[] side = [(".0", ".conv"), (".1", ".bn")];
        (string, string)[] named = [(".conv", ".conv"), (".bn", ".bn")];
        var torchvision = new ModuleNames().Pairs("stem", "stem", side);
        var timm = new ModuleNames().Pairs("stem", "stem", named);
        var mmlab = new ModuleNames().Pair("conv1", "stem.conv").Pair("bn1", "stem.bn");
        foreach (var (i, stage) in plan.Stages.Index())
            for (var block = 0; block < stage.Depth; block++)
            {
                var own = $"layer{i + 1}.{block}.";
                var (tv, tm) = ($"trunk_output.block{i + 1}.block{i + 1}-{block}.", $"s{i + 1}.b{block + 1}.");
                foreach (var (n, letter) in "abc".Index())
                {
                    torchvision.Pairs($"{tv}f.{letter}", $"{own}conv{n + 1}", side);
                    timm.Pairs($"{tm}conv{n + 1}", $"{own}conv{n + 1}", named);
                    mmlab.Pair($"{own}conv{n + 1}", $"{own}conv{n + 1}.conv").Pair($"{own}bn{n + 1}", $"{own}conv{n + 1}.bn");
                }
                torchvision.Pairs(tv + "proj", own + "downsample", side);
                timm.Pairs(tm + "downsample", own + "downsample", named);
                mmlab.Pairs(own + "downsample", own + "downsample", side);
                foreach (var (se, foreign) in new[] { (torchvision, tv + "f.se."), (timm, tm + "se."), (mmlab, own + "se.") })
                    se.Pair(foreign + "fc1", own + "se.conv1").Pair(foreign + "fc2", own + "se.conv2");
            }
        return new Dictionary<string, KeyMap>
        {
            ["torchvision"] = torchvision.ToKeyMap("fc"),
            ["timm"] = timm.ToKeyMap("head.fc"),
            ["mmlab"] = mmlab.ToKeyMap("head.fc", "backbone."),
        };
    }
}
