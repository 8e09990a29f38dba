using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Output;

namespace Tessera.Tools.ErrorAnalysis;

/// <summary>A classifier's errors: what is taken for what, and whether its probabilities can be believed.</summary>
/// <param name="fitted">See <see cref="CalibrationReport"/>.</param>
/// <param name="from">See <see cref="CalibrationReport"/>.</param>
internal sealed class ClassErrorReport(DataInfo data, ClassScores? fitted, string from) : IErrorReport
{
    private const int MostPairs = 20;
    private const double Yes = 0.5;

    private readonly ClassScores _scores = new(data);

    public void Add(Sample sample, Prediction prediction) => _scores.Add(sample.Name, sample.Truth, prediction);

    public void Finish(string title, FileSet files, JsonObject document)
    {
        if (_scores.Count == 0)
            throw new UserErrorException("There is no prediction with finite scores, so there is nothing to analyse.");
        document["images"] = _scores.Count;
        if (data.Task == DataTask.MultiLabel)
            SeveralLabels(document);
        else
            OneLabel(title, files, document);
        new CalibrationReport(_scores, fitted, from).Finish(title, files, document);
    }

    /// <summary>A class taken for another.</summary>
    /// <param name="Sure">The mean probability of what it is taken for.</param>
    private sealed record Confused(string Truth, string Predicted, int Count, double Sure);

    private void OneLabel(string title, FileSet files, JsonObject document)
    {
        var taken = _scores
            .Images.Select(image =>
                (Truth: image.Truth.Label!.Value, Predicted: Array.IndexOf(image.Scores, image.Scores.Max()), image.Scores)
            )
            .ToArray();
        var right = taken.Count(image => image.Truth == image.Predicted);
        Confused[] pairs =
        [
            .. taken
                .Where(image => image.Truth != image.Predicted)
                .GroupBy(image => (image.Truth, image.Predicted))
                .OrderByDescending(pair => pair.Count())
                .ThenBy(pair => pair.Key)
                .Select(pair => new Confused(
                    data.Classes[pair.Key.Truth],
                    data.Classes[pair.Key.Predicted],
                    pair.Count(),
                    pair.Average(image => image.Scores[image.Predicted])
                )),
        ];
        ToolConsole.Current.Line(
            FormattableString.Invariant($"{right} of {_scores.Count} images right: {Numbers.Share(right, _scores.Count)} %")
        );
        if (pairs.Length > 0)
            Show(pairs, title, files);
        document["right"] = right;
        document["pairs"] = Numbers.List(
            pairs,
            pair => new JsonObject
            {
                ["truth"] = pair.Truth,
                ["taken_for"] = pair.Predicted,
                ["images"] = pair.Count,
                ["mean_probability"] = pair.Sure,
            }
        );
    }

    private void Show(Confused[] pairs, string title, FileSet files)
    {
        ToolConsole.Current.Line();
        ToolConsole.Current.Table(
            ["class", "taken for", "images", "accuracy to gain", "mean probability of it"],
            pairs
                .Take(MostPairs)
                .Select(pair =>
                    (string[])
                        [
                            pair.Truth,
                            pair.Predicted,
                            Numbers.Count(pair.Count),
                            Numbers.Gain((double)pair.Count / _scores.Count),
                            Numbers.Percent(pair.Sure),
                        ]
                )
        );
        files.Add(
            "pairs.png",
            new BarChart
            {
                Title = title,
                Label = "accuracy to gain, in points",
                Format = "0.00",
                Bars =
                [
                    .. pairs
                        .Take(MostPairs)
                        .Select(pair => new Bar($"{pair.Truth}, taken for {pair.Predicted}", 100.0 * pair.Count / _scores.Count)),
                ],
            }
        );
    }

    private void SeveralLabels(JsonObject document)
    {
        var rows = data
            .Classes.Select(
                (name, c) =>
                    (
                        Name: name,
                        Present: _scores.Images.Count(image => ClassScores.IsPresent(image.Truth, c)),
                        Overlooked: _scores.Images.Count(image => ClassScores.IsPresent(image.Truth, c) && image.Scores[c] < Yes),
                        Invented: _scores.Images.Count(image => !ClassScores.IsPresent(image.Truth, c) && image.Scores[c] >= Yes)
                    )
            )
            .ToArray();
        ToolConsole.Current.Line($"{_scores.Count} images; a class counts as found from a probability of 0.5 on.");
        ToolConsole.Current.Line();
        ToolConsole.Current.Table(
            ["class", "images of it", "not found", "found where it is not"],
            rows.OrderByDescending(row => row.Overlooked + row.Invented)
                .Select(row => (string[])[row.Name, Numbers.Count(row.Present), Numbers.Count(row.Overlooked), Numbers.Count(row.Invented)])
        );
        document["classes"] = Numbers.List(
            rows,
            row => new JsonObject
            {
                ["name"] = row.Name,
                ["present"] = row.Present,
                ["not_found"] = row.Overlooked,
                ["found_where_it_is_not"] = row.Invented,
            }
        );
    }
}
