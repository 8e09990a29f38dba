using System.Globalization;

namespace Tessera.Predictions;

/// <summary>What images are called in files of predictions: the same on every machine, wherever the data lies there.</summary>
public static class ImageNaming
{
    /// <summary>A sample's path below the data root, with slashes; its whole name where it isn't there, or is no path.</summary>
    /// <param name="name">A path, "archive.zip:entry", or any other name.</param>
    /// <param name="dataRoot">The config's; null where it has none.</param>
    public static string Relative(string name, string? dataRoot)
    {
        var path = name.Replace('\\', '/');
        if (string.IsNullOrEmpty(dataRoot))
            return path;
        var root = Path.GetFullPath(dataRoot).Replace('\\', '/').TrimEnd('/') + "/";
        var full = Path.GetFullPath(name).Replace('\\', '/');
        return full.StartsWith(root, StringComparison.Ordinal) && full.Length > root.Length ? full[root.Length..] : path;
    }

    /// <summary>Sets images of one name apart: the second is called "a.jpg#2".</summary>
    /// <param name="names">In the data set's order.</param>
    public static string[] Distinct(IEnumerable<string> names)
    {
        var times = new Dictionary<string, int>();
        return
        [
            .. names.Select(name =>
            {
                times[name] = times.GetValueOrDefault(name) + 1;
                return times[name] == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}#{times[name]}");
            }),
        ];
    }
}
