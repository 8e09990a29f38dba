using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera;

/// <summary>
/// Puts mean and standard deviation of the training data's targets into the config of a model that asks for them
/// (<c>"standardize_targets": true</c>). They are measured once, before the model is built, and stand in the config from then on: in the
/// work dir and in checkpoints.
/// </summary>
public static class TargetStandardization
{
    private const string Key = "standardize_targets",
        Mean = "target_mean",
        Deviation = "target_std";

    /// <summary>Fills in the session's config. To be called before its model is built; does nothing where nothing asks for it.</summary>
    /// <param name="saved">The config of the checkpoint that a run goes on from: its numbers are taken.</param>
    /// <param name="note">Told the numbers.</param>
    /// <param name="warn">Told which targets have one value throughout.</param>
    /// <exception cref="UserErrorException">The training data has no targets.</exception>
    public static void Fill(Session session, ConfigDocument? saved, Action<string> note, Action<string> warn)
    {
        if (session.Document.Find("model") is not { } model)
            return;
        var paths = Asking(model, "model").ToArray();
        var missing = paths.SelectMany(path => new[] { Mean, Deviation }.Select(key => ConfigPath.Join(path, key))).Where(IsMissing);
        var filled = new List<(string, ConfigNode)>();
        (double[] Mean, double[] Deviation)? measured = null;
        foreach (var path in missing.ToArray())
        {
            if (saved?.Find(path) is ConfigList stored)
            {
                note($"{path}: the checkpoint's numbers.");
                filled.Add((path, stored));
                continue;
            }
            var dataset = session.Data[DataPart.Train];
            measured ??= Measure(dataset, warn);
            var values = path.EndsWith(Mean, StringComparison.Ordinal) ? measured.Value.Mean : measured.Value.Deviation;
            note($"{path}: of the training data's targets: {Text(dataset.Info, values)}");
            filled.Add((path, Node(values)));
        }
        if (filled.Count > 0)
            session.Read(session.Document.Replacing(filled));

        bool IsMissing(string path) => session.Document.Find(path) is null or ConfigValue { Kind: ConfigValueKind.Null };
    }

    /// <summary>Mean and standard deviation (over n) of each target; the deviation of one that has one value throughout is 1. No photograph
    /// is read.</summary>
    /// <exception cref="UserErrorException">The data has no targets.</exception>
    public static (double[] Mean, double[] Deviation) Measure(Dataset dataset, Action<string> warn)
    {
        var info = dataset.Info;
        if (info.Task != DataTask.Regression)
            throw new UserErrorException($"{Key}: the training data is for {TaskNames.Of(info.Task)}, and has no targets to standardize.");
        var rows = Enumerable
            .Range(0, dataset.Count)
            .Select(i => dataset.Get(i).Truth.Targets ?? throw new UserErrorException($"Sample {i} has no targets."))
            .ToArray();
        var mean = new double[info.Classes.Count];
        var deviation = new double[mean.Length];
        for (var target = 0; target < mean.Length; target++)
        {
            var values = Array.ConvertAll(rows, row => (double)row[target]);
            mean[target] = values.Average();
            deviation[target] = Math.Sqrt(values.Average(value => (value - mean[target]) * (value - mean[target])));
            if (deviation[target] > 0)
                continue;
            deviation[target] = 1;
            warn($"{Key}: the training data's {info.Classes[target]} is {mean[target].ToString(CultureInfo.InvariantCulture)} throughout.");
        }
        return (mean, deviation);
    }

    private static IEnumerable<string> Asking(ConfigNode node, string path)
    {
        if (node is ConfigMap map && map[Key] is ConfigValue { Kind: ConfigValueKind.Boolean, Text: "true" })
            yield return path;
        var below = node switch
        {
            ConfigMap keys => keys.SelectMany(pair => Asking(pair.Value, ConfigPath.Join(path, pair.Key))),
            ConfigList list => list.SelectMany((item, i) => Asking(item, ConfigPath.Join(path, $"{i}"))),
            _ => [],
        };
        foreach (var found in below)
            yield return found;
    }

    private static ConfigNode Node(double[] values) =>
        ConfigDocument
            .Parse(new JsonObject { [Key] = new JsonArray([.. values.Select(value => (JsonNode)value)]) }.ToJsonString(), Key)
            .Root[Key]!;

    private static string Text(DataInfo info, double[] values) =>
        string.Join(
            ", ",
            info.Classes.Zip(values, (name, value) => string.Create(CultureInfo.InvariantCulture, $"{name} {value:0.####}")).Take(40)
        );
}
