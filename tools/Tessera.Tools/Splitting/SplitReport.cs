using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets;
using Tessera.Datasets.Splitting;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Splitting;

/// <summary>Tells of a split: how many samples of each label are in each part, which labels don't reach one, and what to write into the
/// config.</summary>
internal sealed class SplitReport(SplitPlan plan, bool areFolds, bool areGrouped, ToolConsole console)
{
    private const int Named = 20;

    private static readonly JsonSerializerOptions s_format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Rows are labels, columns parts; the last row counts samples.</summary>
    public void Table()
    {
        var rows = Enumerable
            .Range(0, plan.Strata.Names.Count)
            .Select(label => Row(plan.Strata.Names[label], part => plan.CountOf(label, part), withShare: false))
            .Append(Row("samples", part => plan.IndicesOf(part).Length, withShare: !areFolds));
        console.Table(["", .. plan.Parts.Select(part => part.Name), "all"], rows);
    }

    /// <summary>Labels that a part lacks, and why.</summary>
    public void Unreached()
    {
        var told = 0;
        var missing = plan.Unreached.GroupBy(entry => entry.Label).ToArray();
        foreach (var of in missing)
        {
            if (told++ == Named)
            {
                console.Warning($"… and {missing.Length - Named} more labels that aren't in every part; the table has them.");
                break;
            }
            var count = Enumerable.Range(0, plan.Parts.Count).Sum(part => plan.CountOf(of.Key, part));
            var lacking = string.Join(", ", of.Select(entry => plan.Parts[entry.Part].Name));
            var why = of.First().IsPossible
                ? $"the other labels {(areGrouped ? "and the groups " : "")}of its samples stand against it; another --seed may do"
                : $"too few {(areGrouped ? "groups of samples" : "samples")} for {plan.Parts.Count} {(areFolds ? "folds" : "parts")}";
            console.Warning($"{plan.Strata.Names[of.Key]}: {Counted.Of(count, "sample")}, none in {lacking} ({why}).");
        }
    }

    /// <summary>What a config needs to read the lists.</summary>
    public void Advice(SplitSource source, IReadOnlyList<(string Part, string Path)> lists)
    {
        var shown = areFolds ? lists.Take(2) : lists;
        console.Line(areFolds ? "For the config, the first fold:" : "For the config:");
        foreach (var (part, path) in shown)
        {
            var key = areFolds ? part[(part.IndexOf('_', StringComparison.Ordinal) + 1)..] : part;
            var dataset = source.Json?.DeepClone().AsObject() ?? [];
            var hasList = source.Dataset is Subset || source.Dataset.ListNameOf(0) is not null;
            if (source.Dataset is ImageLabels)
                dataset["dataset"] = new JsonObject { ["list"] = path };
            else if (hasList)
                dataset["list"] = path;
            else
                dataset = new JsonObject
                {
                    ["type"] = "Subset",
                    ["list"] = path,
                    ["dataset"] = dataset.Count > 0 ? dataset : "…",
                };
            console.Line($"  \"{key}\": {{ \"dataset\": {dataset.ToJsonString(s_format)} }}");
        }
        if (source.Part is { } from)
            console.Line($"All of them read the data of {from}.dataset: path, split and classes as there, each with its own pipeline.");
    }

    private string[] Row(string name, Func<int, int> count, bool withShare)
    {
        var counts = Enumerable.Range(0, plan.Parts.Count).Select(count).ToArray();
        var all = counts.Sum();
        return
        [
            name,
            .. counts.Select(of =>
                withShare
                    ? string.Create(CultureInfo.InvariantCulture, $"{of} ({100.0 * of / all:0.0} %)")
                    : of.ToString(CultureInfo.InvariantCulture)
            ),
            all.ToString(CultureInfo.InvariantCulture),
        ];
    }
}
