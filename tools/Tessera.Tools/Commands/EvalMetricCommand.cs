using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Measures stored predictions.</summary>
internal static class EvalMetricCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var results = new Argument<string>("RESULTS")
        {
            Description =
                "A work dir, or a file of its folder predictions; or what tools/test --predictions wrote: COCO results (.json) for boxes, "
                + ".jsonl for classes and numbers, a folder of PNGs for maps.",
        };
        var output = CommandLine.Option<string?>("--out", "metrics.json", "Write the metrics there: a flat JSON object of fractions.");
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "eval-metric",
            "Measures stored predictions by a config's data and metrics (test, or val where there is no test)."
        )
        {
            config,
            results,
            output,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(results),
                parsed.GetValue(output),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(string config, string results, string? output, string[] overrides)
    {
        using var data = EvaluatedData.Open(config, new SessionOptions { Overrides = overrides }, results);
        var metrics = data.Metrics();
        if (metrics.Count == 0)
            throw new UserErrorException(
                $"{config}: {data.Part}.metrics is empty, so there is nothing to measure. For example: \"metrics\": {{ "
                    + $"{TestCommand.Example(data.Dataset.Info.Task)} }}."
            );
        MetricText.Report(data.OfStored(results, metrics, null), metrics, output);
        return 0;
    }
}
