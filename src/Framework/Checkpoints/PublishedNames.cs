using Tessera.Framework.Models;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// What a model's tensors are called elsewhere: for each key map that can be reversed (timm, torchvision …) the foreign
/// name by the model's own. Travels in the model's checkpoints, so that publishing needs neither model nor plugin.
/// </summary>
public static class PublishedNames
{
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> For(VisionModel model)
    {
        var own = model.state_dict().Keys;
        var published = new Dictionary<string, IReadOnlyDictionary<string, string>>();
        foreach (var (project, map) in model.KeyMaps)
        {
            if (map.Publish is not { } publish) continue;
            var names = new Dictionary<string, string>();
            foreach (var name in own)
                if (publish(name) is { } foreign) names[name] = foreign;
            if (names.Count > 0) published[project] = names;
        }
        return published;
    }
}
