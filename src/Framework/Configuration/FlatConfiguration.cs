using Microsoft.Extensions.Configuration;

namespace Tessera.Framework.Configuration;

/// <summary>A document as Microsoft.Extensions.Configuration has it: <c>model:backbone:depth</c> and a string.</summary>
internal static class FlatConfiguration
{
    public static IConfiguration Of(ConfigMap root)
    {
        var values = new List<KeyValuePair<string, string?>>();
        Add(root, parent: null);
        return new ConfigurationBuilder().AddInMemoryCollection(values).Build();

        void Add(ConfigNode node, string? parent)
        {
            switch (node)
            {
                case ConfigMap map:
                    var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
                    foreach (var (key, value) in map.Where(entry => seen.Add(entry.Key)))
                        Add(value, Path(parent, key));
                    break;
                case ConfigList list:
                    for (var i = 0; i < list.Count; i++)
                        Add(list[i], Path(parent, $"{i}"));
                    break;
                case ConfigValue value:
                    values.Add(new(parent!, value.Kind == ConfigValueKind.Null ? null : value.Text));
                    break;
            }
        }
    }

    private static string Path(string? parent, string key) => parent is null ? key : ConfigurationPath.Combine(parent, key);
}
