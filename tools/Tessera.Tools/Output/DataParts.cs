using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;

namespace Tessera.Tools.Output;

/// <summary>The data sets of a config, by part.</summary>
internal static class DataParts
{
    /// <param name="names">Of train, val and test.</param>
    /// <param name="required">The config must have each of them; otherwise at least one.</param>
    public static IReadOnlyList<(string Name, Dataset Dataset)> Of(
        RunBuilder builder,
        string config,
        IReadOnlyList<string> names,
        bool required
    )
    {
        var found = new List<(string, Dataset)>();
        foreach (var name in names.Distinct())
        {
            if (Spec(builder.Options, name) is { } spec)
                found.Add((name, builder.Dataset(spec)));
            else if (required)
                throw new UserErrorException($"{config}: it has no {name}.dataset.");
        }
        return found.Count > 0
            ? found
            : throw new UserErrorException($"{config}: it has neither train nor val nor test, so there is no data to look at.");
    }

    private static ComponentSpec<Dataset>? Spec(RunOptions options, string name) =>
        name switch
        {
            "train" => options.Train?.Dataset,
            "val" => options.Val?.Dataset,
            "test" => options.Test?.Dataset,
            _ => throw new UserErrorException(
                $"\"{name}\" is no part of the data.{NearestName.Suggest(name, ["train", "val", "test"])} There are train, val and test."
            ),
        };
}
