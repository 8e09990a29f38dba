using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Datasets.Corruptions;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Processes;
using Tessera.Tools.Ensembles;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;
using Tessera.Tools.Robustness;

namespace Tessera.Tools.Commands;

/// <summary>Evaluates a model on corrupted images.</summary>
internal static class TestRobustnessCommand
{
    private const string Benchmark = "benchmark",
        All = "all";

    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = CheckpointArgument.Of("A checkpoint of tools/train, or published weights.");
        var corruptions = CommandLine.Option<string>(
            "--corruptions",
            "NAMES",
            Benchmark,
            "Which, with commas between them: gaussian_noise,fog; benchmark: its 15; all: these and 4 more. Default: benchmark."
        );
        var severities = CommandLine.Option<string>(
            "--severities",
            "NUMBERS",
            "1,2,3,4,5",
            "How strong, from 1 to 5, with commas between them. Default: 1,2,3,4,5."
        );
        var metric = CommandLine.Option<string?>(
            "--metric",
            "NAME",
            "The value to judge by. Default: the first of the config that says whether more or less is better."
        );
        var folder = CommandLine.OutDir("Where robustness.json and robustness.png go. Default: robustness-NAME-OF-CONFIG.");
        var seed = CommandLine.Option<long>("--seed", "N", 0, "Of the corruptions' random numbers. Default: 0.");
        var overwrite = new Option<bool>("--overwrite") { Description = "Begins anew where the folder has values already." };
        var model = new EvaluationArguments();
        var command = new Command(
            "test-robustness",
            "Evaluates a model on images with noise, blur, weather and digital faults of several strengths: how much of its figure is "
                + "left. A run that was stopped goes on where it was."
        )
        {
            config,
            checkpoint,
            corruptions,
            severities,
            metric,
            folder,
            seed,
            overwrite,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(checkpoint),
                new Asked(
                    Kinds(parsed.GetRequiredValue(corruptions)),
                    Severities(parsed.GetRequiredValue(severities)),
                    parsed.GetValue(metric),
                    parsed.GetValue(folder),
                    parsed.GetValue(seed),
                    parsed.GetValue(overwrite)
                ),
                model.Session(parsed),
                model.Weights(parsed)
            )
        );
        return command;
    }

    private sealed record Asked(
        IReadOnlyList<CorruptionKind> Kinds,
        IReadOnlyList<int> Severities,
        string? Metric,
        string? Folder,
        long Seed,
        bool Overwrite
    );

    private static int Run(string config, string checkpoint, Asked asked, SessionOptions options, PretrainedOptions weights)
    {
        if (StoredPredictions.Are(checkpoint))
            throw new UserErrorException($"{checkpoint}: this is no checkpoint; corrupted images have to be predicted anew.");
        if (!File.Exists(checkpoint))
            throw new UserErrorException($"{checkpoint}: there is no such file.");
        var folder = asked.Folder ?? $"robustness-{Path.GetFileNameWithoutExtension(config)}";
        FileSet.RequireFolder(folder);
        using var data = EvaluatedData.Open(config, options, checkpoint);
        var metrics = data.Metrics();
        foreach (var each in metrics.Values)
            each.Reset(data.Dataset.Info);
        var followed = FollowedValue.Of(metrics, data.Part, asked.Metric);
        var file = RobustnessFile.Open(
            folder,
            new JsonObject
            {
                ["checkpoint"] = RobustnessFile.HashOf(checkpoint),
                ["config"] = data.ConfigHash,
                ["weights"] = weights.Weights.ToString().ToLowerInvariant(),
                ["part"] = data.Part,
                ["images"] = data.Dataset.Count,
                ["metrics"] = new JsonArray([.. metrics.Keys.Select(name => (JsonNode?)name)]),
                ["seed"] = asked.Seed,
            },
            asked.Overwrite
        );
        using (var model = data.Load(checkpoint, weights))
            Evaluate(data, model, file, asked);
        var report = new RobustnessReport(file, followed, asked.Kinds, asked.Severities);
        report.Show();
        file.Write(report.Summary());
        var picture = Path.Combine(folder, "robustness.png");
        report.Picture(Path.GetFileNameWithoutExtension(config)).Save(picture);
        ToolConsole.Current.Line($"{Path.Combine(folder, RobustnessFile.Name)}, {picture}");
        return 0;
    }

    private static void Evaluate(EvaluatedData data, EvaluatedModel model, RobustnessFile file, Asked asked)
    {
        var all = asked.Kinds.Count * asked.Severities.Count + 1;
        if (file.Count > 0)
            ToolConsole.Current.Note($"{file.Count} evaluations are done already; what is missing follows.");
        var number = 1;
        Take(RobustnessFile.Clean, null);
        foreach (var kind in asked.Kinds)
        foreach (var severity in asked.Severities)
        {
            number++;
            Take(RobustnessFile.KeyOf(kind, severity), CorruptedPipeline.Of(data.Dataset.Pipeline, kind, severity, asked.Seed));
        }

        void Take(string key, IReadOnlyList<Transform>? pipeline)
        {
            if (file.Of(key) is null)
                file.Add(key, model.Run(data.Metrics(), null, pipeline, pointsOnly: true, $"{key} ({number} of {all})"));
        }
    }

    private static IReadOnlyList<CorruptionKind> Kinds(string text)
    {
        if (text is Benchmark)
            return Corruption.Common;
        if (text is All)
            return Corruption.All;
        var known = Corruption.All.ToDictionary(RobustnessFile.NameOf);
        return
        [
            .. text.Split(',', StringSplitOptions.TrimEntries)
                .Select(name =>
                    known.TryGetValue(name, out var kind)
                        ? kind
                        : throw new UserErrorException(
                            $"--corruptions: there is no corruption \"{name}\".{NearestName.Suggest(name, known.Keys)} There are "
                                + $"{string.Join(", ", known.Keys)}; benchmark and all stand for several."
                        )
                )
                .Distinct(),
        ];
    }

    private static IReadOnlyList<int> Severities(string text) =>
        [
            .. text.Split(',', StringSplitOptions.TrimEntries)
                .Select(part =>
                    int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var severity)
                    && severity is >= 1 and <= Corruption.MostSevere
                        ? severity
                        : throw new UserErrorException(
                            $"--severities is \"{text}\"; numbers from 1 to 5 with commas between them were expected."
                        )
                )
                .Distinct()
                .Order(),
        ];
}
