using System.Globalization;
using Tessera.Features;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Processes;
using Tessera.Tools.Output;
using static TorchSharp.torch;

namespace Tessera.Tools.Transfer;

/// <summary>What the command line asks of a linear probe.</summary>
internal sealed record ProbeRequest(
    string Train,
    string Val,
    string? Test,
    LinearProbeOptions Options,
    string? Checkpoint,
    string? Save,
    string? Output,
    string? Device,
    IReadOnlyList<string> Plugins,
    PretrainedOptions Weights
);

/// <summary>Trains the heads, chooses one by val, and tells and writes what it is worth.</summary>
internal static class ProbeRun
{
    public static int Run(ProbeRequest request)
    {
        if (request.Save is null != request.Checkpoint is null)
            throw new UserErrorException(
                "--save writes the network with its head, and --checkpoint names the network's weights. Give both or none."
            );
        if (request.Save is { } save)
        {
            FileSet.RequireOther("--save", save, ("--checkpoint", request.Checkpoint!));
            foreach (var (name, path) in ((string, string?)[])[("TRAIN", request.Train), ("VAL", request.Val), ("--test", request.Test)])
                if (path is not null)
                    FileSet.RequireOther("--save", save, (name, path));
        }
        using var log = ToolConsole.Current.ShowLog();
        using var sets = new ProbeSets(request.Train, DeviceChoice.Resolve(request.Device ?? "auto"));
        var (train, val) = (sets.Train, sets.Open(request.Val));
        var test = request.Test is null ? null : sets.Open(request.Test);

        using var probe = LinearProbe.Train(train, request.Options, new Advance("training").Report);
        var scores = probe.LearningRates.Select((_, head) => Score(probe, head, val)).ToArray();
        var best = Best(scores);
        ToolConsole.Current.Table(
            ["lr", $"val {val.Measure}", ""],
            probe.LearningRates.Select((rate, head) => new[] { Rate(rate), Text(scores[head]), head == best ? "chosen" : "" })
        );
        var metrics = new Dictionary<string, double> { ["lr"] = probe.LearningRates[best], [$"val/{Key(val)}"] = scores[best] };
        ToolConsole.Current.Line(
            $"chosen by val: lr {Rate(probe.LearningRates[best])}, {val.Measure} {Text(scores[best])} on val, which is too good by the "
                + "choice"
        );
        if (test is not null)
        {
            metrics[$"test/{Key(test)}"] = Score(probe, best, test);
            ToolConsole.Current.Line($"test, which had no part in the choice: {test.Measure} {Text(metrics[$"test/{Key(test)}"])}");
        }
        if (Edge(probe.LearningRates, best) is { } edge)
            ToolConsole.Current.Warning(edge);
        if (request.Output is not null)
            MetricFiles.Write(request.Output, metrics);
        if (request.Save is not null)
            Save(request, train.File, probe, best, metrics);
        return 0;
    }

    private static double Score(LinearProbe probe, int head, FeatureSet set)
    {
        using var scope = NewDisposeScope();
        return set.Score(probe.Logits(set.Features, head));
    }

    /// <summary>The first of the highest; a value that is not a number is none.</summary>
    private static int Best(double[] scores)
    {
        var best = 0;
        for (var i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best] || double.IsNaN(scores[best]))
                best = i;
        return best;
    }

    private static string? Edge(IReadOnlyList<double> rates, int best)
    {
        if (rates.Count < 2 || (rates[best] < rates.Max() && rates[best] > rates.Min()))
            return null;
        var largest = rates[best] == rates.Max();
        return $"The chosen rate is the {(largest ? "largest" : "smallest")} of those tried: a {(largest ? "larger" : "smaller")} one may "
            + "be better (--lrs).";
    }

    private static void Save(ProbeRequest request, FeatureFile file, LinearProbe probe, int best, Dictionary<string, double> metrics)
    {
        using var scope = NewDisposeScope();
        ProbedModel.Write(file, request.Checkpoint!, request.Weights, probe.Head(best), metrics, request.Save!, request.Plugins);
        ToolConsole.Current.Line($"{request.Save}: the network of {file.Info.Checkpoint} with the chosen head");
    }

    private static string Key(FeatureSet set) => set.IsMultiLabel ? "mAP" : "top1";

    private static string Rate(double rate) => rate.ToString("0.######", CultureInfo.InvariantCulture);

    private static string Text(double score) => score.ToString("0.0000", CultureInfo.InvariantCulture);
}
