using System.Text.Json.Nodes;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Tools.ErrorAnalysis;
using Tessera.Tools.Output;

namespace Tessera.Tools.DoubtfulLabels;

/// <summary>How many of the labels that Shapes made wrong on purpose were doubted.</summary>
/// <param name="Planted">Wrong labels.</param>
/// <param name="Doubts">Labels that were doubted.</param>
/// <param name="Found">Both.</param>
/// <param name="Labels">All labels: what a random choice is drawn from.</param>
/// <param name="FirstFound">Wrong labels among as many of the surest doubts as there are wrong labels.</param>
internal sealed record PlantedScore(int Planted, int Doubts, int Found, int Labels, int FirstFound)
{
    private const double SameBox = 0.5;

    public double Precision => Doubts == 0 ? double.NaN : (double)Found / Doubts;

    public double Recall => Planted == 0 ? double.NaN : (double)Found / Planted;

    /// <summary>Of as many labels drawn at random: the share that is wrong, whatever is drawn.</summary>
    public double RandomPrecision => (double)Planted / Labels;

    public double RandomRecall => Math.Min(1, (double)Doubts / Labels);

    /// <returns>null where the data has no wrong labels on purpose.</returns>
    public static PlantedScore? Of(Dataset dataset, IReadOnlyList<DoubtfulSample> found)
    {
        var planted = new Dictionary<long, List<PlantedError>>();
        var labels = 0;
        for (var i = 0; i < dataset.Count; i++)
        {
            var (origin, index) = dataset.OriginOf(i);
            if (origin is not Shapes shapes)
                return null;
            if (shapes.PlantedErrorsOf(index) is { Count: > 0 } errors)
                planted[i] = [.. errors];
            labels += dataset.Info.Task == DataTask.Detection ? dataset.Get(i).Truth.Boxes!.Count : 1;
        }
        if (planted.Count == 0)
            return null;
        var all = planted.Values.Sum(errors => errors.Count);
        bool[] hits =
        [
            .. found
                .SelectMany(sample => sample.Doubts.Select(doubt => (sample.Index, doubt)))
                .OrderByDescending(entry => entry.doubt.Certainty)
                .Select(entry => planted.TryGetValue(entry.Index, out var errors) && Take(errors, entry.doubt)),
        ];
        return new PlantedScore(all, hits.Length, hits.Count(hit => hit), labels, hits.Take(all).Count(hit => hit));
    }

    /// <summary>A wrong label is found once.</summary>
    private static bool Take(List<PlantedError> errors, Doubt doubt)
    {
        var at = errors.FindIndex(error => doubt.Box is null ? error.Box is null : IsSame(error, doubt));
        if (at >= 0)
            errors.RemoveAt(at);
        return at >= 0;
    }

    private static bool IsSame(PlantedError error, Doubt doubt)
    {
        var kind = error.Kind switch
        {
            PlantedErrorKind.LeftOut => "not_annotated",
            PlantedErrorKind.Invented => "never_found",
            _ => ConfigKey.NameOf(error.Kind.ToString()),
        };
        return kind == doubt.Kind && error.Box is { } box && BoxGeometry.IoU(BoxGeometry.FromCorners(box), doubt.Box) >= SameBox;
    }

    public void Show()
    {
        ToolConsole.Current.Line();
        ToolConsole.Current.Table(
            [$"of {Planted} labels made wrong on purpose", "precision %", "recall %"],
            [
                [$"{Doubts} doubted labels", Numbers.Percent(Precision), Numbers.Percent(Recall)],
                [$"the surest {Planted} of them", Numbers.Share(FirstFound, Math.Min(Planted, Doubts)), Numbers.Share(FirstFound, Planted)],
                [$"{Doubts} labels at random", Numbers.Percent(RandomPrecision), Numbers.Percent(RandomRecall)],
            ]
        );
    }

    public JsonObject Json =>
        new()
        {
            ["planted"] = Planted,
            ["doubted"] = Doubts,
            ["found"] = Found,
            ["precision"] = Numbers.Json(Precision),
            ["recall"] = Numbers.Json(Recall),
            ["found_among_as_many_as_planted"] = FirstFound,
            ["random_precision"] = RandomPrecision,
            ["random_recall"] = RandomRecall,
        };
}
