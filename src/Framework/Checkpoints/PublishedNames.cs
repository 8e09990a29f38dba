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
            if (map.Publish is not { } publish)
                continue;
            var names = new Dictionary<string, string>();
            foreach (var name in own)
                if (publish(name) is { } foreign)
                    names[name] = foreign;
            if (names.Count > 0)
                published[project] = names;
        }
        return published;
    }

    /// <summary>How tensors are changed on the way there: for each of those maps the form by the model's own name.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Forms(VisionModel model)
    {
        var own = model.state_dict().Keys.ToHashSet(StringComparer.Ordinal);
        return model
            .KeyMaps.Where(map => map.Value is { Publish: not null, PublishAs: not null })
            .ToDictionary(
                map => map.Key,
                map =>
                    (IReadOnlyDictionary<string, string>)
                        own.Select(name => (name, form: map.Value.PublishAs!(name)))
                            .Where(entry => entry.form is not null && map.Value.Publish!(entry.name) is not null)
                            .ToDictionary(entry => entry.name, entry => entry.form!)
            );
    }
}
