using System.Globalization;
using Tessera.Balance;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Models.Losses;

namespace Tessera;

/// <summary>
/// Puts numbers in place of the rules (<c>"class_weight": "max_over_count"</c>) that a config names for its losses' class weights. They
/// are counted once, before the model is built, and stand in the config from then on: in the work dir and in checkpoints, so that neither
/// an evaluation nor a resumed run counts anew.
/// </summary>
public static class ClassWeighting
{
    private const string Key = "class_weight";
    private const int Told = 40;

    /// <summary>Fills in the session's config. To be called before its model is built; does nothing where no rule is named.</summary>
    /// <param name="saved">The config of the checkpoint that a run goes on from: where it has the same rule in the same place, its numbers
    /// are taken.</param>
    /// <param name="note">Told the counts and the weights.</param>
    /// <param name="warn">Told which classes don't occur.</param>
    /// <exception cref="Framework.Errors.UserErrorException">The training data's classes can't be counted.</exception>
    public static void Fill(Session session, ConfigDocument? saved, Action<string> note, Action<string> warn)
    {
        var rules = new List<(string Path, ClassWeight Weight)>();
        if (session.Document.Find("model") is { } model)
            Find(model, "model", rules);
        if (rules.Count == 0)
            return;
        ClassCounts? counted = null;
        var filled = new Dictionary<string, ConfigNode>();
        var made = new Dictionary<(ClassWeightRule, double?), double[]>();
        foreach (var (path, weight) in rules)
        {
            if (saved?.Find(path) is { } node && ClassWeight.TryParse(node, out var stored) && IsOf(stored, weight))
            {
                note($"{path}: {weight}, with the checkpoint's numbers.");
                filled[path] = node;
                continue;
            }
            var dataset = session.Data[DataPart.Train];
            if (counted is null)
                WarnOfAbsent(counted = ClassCounts.Of(dataset), dataset.Info, warn);
            var key = (weight.Rule!.Value, weight.Beta);
            if (!made.TryGetValue(key, out var values))
                made[key] = values = Make(weight, counted, dataset.Info.Task);
            note($"{path}: {weight} of the training data's {counted.Unit}: {Text(dataset.Info, counted, values)}");
            filled[path] = weight.Filled(values);
        }
        session.Read(session.Document.Replacing(filled.Select(pair => (pair.Key, pair.Value))));
    }

    private static void Find(ConfigNode node, string path, List<(string, ClassWeight)> found)
    {
        if (node is ConfigList list)
            for (var i = 0; i < list.Count; i++)
                Find(list[i], ConfigPath.Join(path, $"{i}"), found);
        if (node is not ConfigMap map)
            return;
        foreach (var (key, below) in map)
            if (key == Key && ClassWeight.TryParse(below, out var weight))
            {
                if (weight.Values is null)
                    found.Add((ConfigPath.Join(path, key), weight));
            }
            else
            {
                Find(below, ConfigPath.Join(path, key), found);
            }
    }

    private static bool IsOf(ClassWeight stored, ClassWeight rule) =>
        stored.Values is not null && stored.Rule == rule.Rule && stored.Beta == rule.Beta;

    private static double[] Make(ClassWeight weight, ClassCounts counted, DataTask task) =>
        weight.Rule switch
        {
            ClassWeightRule.Inverse => ClassWeights.Inverse(counted.Counts),
            ClassWeightRule.MaxOverCount => ClassWeights.MaxByCount(counted.Counts),
            _ => ClassWeights.EffectiveNumber(
                counted.Counts,
                weight.Beta ?? ClassWeights.DefaultBeta(counted.Counts, task == DataTask.Segmentation)
            ),
        };

    private static void WarnOfAbsent(ClassCounts counted, DataInfo info, Action<string> warn)
    {
        var absent = info.Classes.Where((_, c) => counted.Counts[c] == 0).ToArray();
        if (absent.Length == 0)
            return;
        var names = string.Join(", ", absent.Take(10)) + (absent.Length > 10 ? $" and {absent.Length - 10} more" : "");
        warn(
            $"class_weight: the training data has no {counted.Unit} of {names}. "
                + $"{(absent.Length == 1 ? "Its weight is" : "Their weights are")} "
                + $"1, as if nothing were weighted: what never occurs can't be made up for by a weight."
        );
    }

    /// <summary>Such as "cat 100 (1), dog 10 (10)"; of many classes the most and the least frequent.</summary>
    private static string Text(DataInfo info, ClassCounts counted, double[] values)
    {
        var order = Enumerable.Range(0, values.Length).ToArray();
        if (order.Length <= Told)
            return string.Join(", ", order.Select(Entry));
        order = [.. order.OrderByDescending(c => counted.Counts[c])];
        return $"{string.Join(", ", order.Take(Told / 2).Select(Entry))}, … ({order.Length - Told} more), "
            + string.Join(", ", order.TakeLast(Told / 2).Select(Entry));

        string Entry(int c) =>
            string.Create(CultureInfo.InvariantCulture, $"{info.Classes[c]} {counted.Counts[c]:#,0} ({values[c]:0.####})");
    }
}
