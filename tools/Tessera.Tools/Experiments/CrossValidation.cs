using System.Globalization;
using Tessera.Datasets.Splitting;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;
using Tessera.Tools.Splitting;

namespace Tessera.Tools.Experiments;

/// <summary>A config trained on all folds of its training data but one, for each fold, and evaluated on that.</summary>
internal static class CrossValidation
{
    /// <summary>The tool's name, and the kind of its summary.</summary>
    public const string Kind = "cross-validate";

    /// <summary>With more folds than this nothing is gained that repeats would not give.</summary>
    private const int MostSensibleFolds = 20;

    /// <summary>Refuses numbers of folds that can't be, and tells off those that cost much for nothing.</summary>
    /// <param name="samples">Of the training data.</param>
    /// <param name="anyway">The user has been told.</param>
    /// <exception cref="UserErrorException">What is wrong with the number.</exception>
    public static void RequireSensible(int folds, int samples, int repeats, bool anyway)
    {
        if (folds < 2 || folds > samples)
            throw new UserErrorException($"--folds is {folds}; a number from 2 to the {samples} samples of train was expected.");
        var leavesOneOut = samples / folds < 2;
        if (anyway || (!leavesOneOut && folds <= MostSensibleFolds))
            return;
        var trainings = (long)folds * repeats;
        var what = leavesOneOut ? "leaves one sample out at a time" : $"divides {samples:#,0} samples into {folds} folds";
        throw new UserErrorException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"--folds {folds} {what}: that is {trainings:#,0} trainings. It is dear and no better: the "
                    + $"models are all but the same, so the mean has a high variance, and folds so small can't have their share of every "
                    + $"class. Take --folds 5 or 10 ({5L * repeats} or {10L * repeats} trainings), with --repeats for more; or say --yes "
                    + $"to do it anyway."
            )
        );
    }

    /// <summary>The runs: for each seed, each fold.</summary>
    /// <param name="train">The whole training data.</param>
    /// <exception cref="UserErrorException">The data can't be divided.</exception>
    public static IReadOnlyList<ExperimentRun> Of(ConfigDocument config, Dataset train, ExperimentPlan plan, IReadOnlyList<long> seeds)
    {
        var runs = new List<ExperimentRun>();
        var strata = StrataReader.Of(train);
        var groups = plan.Groups.Count > 0 ? Grouped(train, plan.Groups) : null;
        var place = new SourceLocation("--folds", 0);
        foreach (var seed in seeds)
        {
            var divided = SplitPlan.Folds(strata, plan.Folds, plan.FoldSeed ?? seed, groups);
            if (seed == seeds[0] && Unreached(divided) is { } text)
                ToolConsole.Current.Warning(text);
            for (var fold = 0; fold < plan.Folds; fold++)
            {
                var edits = FoldData.Edits(config, divided.IndicesOutside(fold), divided.IndicesOf(fold), place);
                runs.Add(
                    new ExperimentRun($"fold-{fold}_seed-{seed}", config.Edited([.. edits, ExperimentSettings.Seed(seed)]), seed)
                    {
                        Fold = fold,
                    }
                );
            }
        }
        return runs;
    }

    private static int[] Grouped(Dataset train, IReadOnlyList<string> rules)
    {
        var groups = new SampleGroups(train, rules);
        ToolConsole.Current.Note($"{Counted.Of(groups.Count, "group")} of {Counted.Of(train.Count, "sample")}, none parted by the folds.");
        return groups.ToArray();
    }

    /// <summary>The classes that some folds have no sample of, in words; null where every fold has all.</summary>
    private static string? Unreached(SplitPlan divided)
    {
        const int mostTold = 8;
        var lacking = divided.Unreached.GroupBy(unreached => unreached.Label).ToArray();
        return lacking.Length == 0
            ? null
            : "Some folds have no sample of "
                + string.Join(", ", lacking.Take(mostTold).Select(label => $"{divided.Strata.Names[label.Key]} ({label.Count()} folds)"))
                + (lacking.Length > mostTold ? ", …" : "")
                + ": there are too few. Where such a fold is evaluated, metrics by class lack it.";
    }
}
