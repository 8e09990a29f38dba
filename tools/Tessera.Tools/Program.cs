using System.CommandLine;
using System.CommandLine.Help;
using Tessera.Tools.Commands;
using Tessera.Tools.Output;

namespace Tessera.Tools;

internal static class Program
{
    public static Command CreateRoot() =>
        new("tools", "Tessera: a config-driven computer-vision framework.")
        {
            new HelpOption { Description = "Shows this help." },
            TrainCommand.Create(),
            RepeatCommand.Create(),
            CrossValidateCommand.Create(),
            SweepCommand.Create(),
            TestCommand.Create(),
            PredictCommand.Create(),
            AttentionCommand.Create(),
            ExplainCommand.Create(),
            EnsembleCommand.Create(),
            FuseResultsCommand.Create(),
            EvalMetricCommand.Create(),
            CompareRunsCommand.Create(),
            ConfusionMatrixCommand.Create(),
            AnalyzeResultsCommand.Create(),
            ReportCommand.Create(),
            BoardCommand.Create(),
            AnalyzeErrorsCommand.Create(),
            TestRobustnessCommand.Create(),
            FindLabelErrorsCommand.Create(),
            FindThresholdCommand.Create(),
            DoctorCommand.Create(),
            ReplayNonFiniteCommand.Create(),
            DatasetStatsCommand.Create(),
            BrowseDatasetCommand.Create(),
            GetFlopsCommand.Create(),
            AnalyzeLogsCommand.Create(),
            BenchmarkCommand.Create(),
            PrintConfigCommand.Create(),
            ListComponentsCommand.Create(),
            PublishCommand.Create(),
            ExportCommand.Create(),
            GenerateCommand.Create(),
            ScoreImagesCommand.Create(),
            MergeAdapterCommand.Create(),
            PseudoLabelsCommand.Create(),
            ConvertMasksCommand.Create(),
            ScoreMasksCommand.Create(),
            ConvertDatasetCommand.Create(),
            ExtractFeaturesCommand.Create(),
            LinearProbeCommand.Create(),
            KnnCommand.Create(),
            SplitDatasetCommand.Create(),
            OptimizeAnchorsCommand.Create(),
            SchemaCommand.Create(),
        };

    private static int Main(string[] args) => CommandLine.Invoke(CreateRoot(), args);
}
