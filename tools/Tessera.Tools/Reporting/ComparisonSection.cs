using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;
using Tessera.Tools.Comparison;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>Whether the second of two runs is better than the first, and where they differ.</summary>
internal static class ComparisonSection
{
    private const int MostPictures = 4;

    /// <summary>Pictures at most.</summary>
    public const int Pictures = 2 * MostPictures;

    public static Html Verdict(JudgedComparison judged, string first, string second)
    {
        var found = judged.Found;
        var kind = judged.Verdict switch
        {
            Comparison.Verdict.Better => "good",
            Comparison.Verdict.Worse => "bad",
            _ => "warn",
        };
        var interval =
            found.Interval is { } bounds && double.IsFinite(bounds.Low)
                ? $", 95 % interval {ComparisonText.Signed(bounds.Low)} to {ComparisonText.Signed(bounds.High)}"
                : "";
        return Html.Of(
            $"""
            <p class="verdict {kind}">{ComparisonText.Answer(judged with { Found = found with { First = first, Second = second } }, 0)}</p>
            <dl class="facts">
            <dt>compared by</dt><dd>{found.Metric}; {(found.Rule == Framework.Metrics.MetricRule.Greater ? "more" : "less")} is better</dd>
            <dt>{first}</dt><dd>{ComparisonText.Number(found.Values.First)}</dd>
            <dt>{second}</dt><dd>{ComparisonText.Number(found.Values.Second)}</dd>
            <dt>difference</dt><dd>{ComparisonText.Signed(found.Difference)}{interval}</dd>
            <dt>paired on</dt><dd>{found.Pairs}</dd>
            <dt>{found.Test}</dt><dd>{ComparisonText.P(judged, 1)}</dd>
            {found.Further.Select(figure =>
                Html.Of($"<dt>{figure.Name.Replace('_', ' ')}</dt><dd>{ComparisonText.Number(figure.Value)}</dd>")
            )}
            </dl>
            {Picture(found)}
            <p class="soft">This is about these two trained models on other images of the same kind. How much another seed would change it,
            only several runs of each tell.</p>
            """
        );
    }

    /// <summary>The interval of the difference beside zero.</summary>
    private static Html Picture(FoundDifference found)
    {
        if (found.Interval is not { } bounds || !double.IsFinite(bounds.Low) || !double.IsFinite(bounds.High))
            return Html.Empty;
        double[] shown = [0, bounds.Low, bounds.High, found.Difference];
        var (low, high) = (shown.Min(), shown.Max());
        var room = high - low > 0 ? 0.12 * (high - low) : 1;
        (low, high) = (low - room, high + room);
        return Html.Of(
            $"""
            <svg class="interval" role="img" viewBox="0 0 600 70" aria-label="The difference and its interval beside zero">
            <line x1="{X(0):0.#}" x2="{X(0):0.#}" y1="6" y2="46" stroke="var(--soft)" stroke-dasharray="4 4"/>
            <line x1="{X(bounds.Low):0.#}" x2="{X(
                bounds.High
            ):0.#}" y1="26" y2="26" stroke="var(--accent)" stroke-width="6" stroke-linecap="round"/>
            <circle cx="{X(found.Difference):0.#}" cy="26" r="8" fill="var(--accent)" stroke="var(--card)" stroke-width="2"/>
            <text x="{X(0):0.#}" y="62" text-anchor="middle">no difference</text>
            </svg>
            """
        );

        double X(double value) => 20 + (560 * (value - low) / (high - low));
    }

    /// <summary>Class by class, both runs.</summary>
    /// <param name="id">Of the table.</param>
    public static Html Classes(MeasuredRun first, MeasuredRun second, string firstName, string secondName, string id)
    {
        var (a, b) = (Values(first), Values(second));
        if (a.Length == 0 || a.Length != b.Length)
            return Html.Empty;
        return PageTable.Of(
            id,
            $"{Measure(first.Data.Task)} of each class.",
            [new("class", false, true), new(firstName), new(secondName), new("difference")],
            [
                .. first.Data.Classes.Select(
                    (name, c) =>
                        (IReadOnlyList<PageCell>)
                            [PageCell.Of(name), PageCell.Of(a[c]), PageCell.Of(b[c]), PageCell.Of(b[c] - a[c], "+0.0000;-0.0000;0")]
                ),
            ]
        );
    }

    /// <summary>The images on which the two differ most, both predictions side by side.</summary>
    public static Html Images(
        (ReportedRun Run, MeasuredRun Measured) first,
        (ReportedRun Run, MeasuredRun Measured) second,
        double leastScore,
        PictureBudget budget
    )
    {
        var others = second.Measured.Images.ToDictionary(image => image.Image.Image);
        var pairs = first
            .Measured.Images.Where(image => others.ContainsKey(image.Image.Image))
            .Select(image => (First: image, Second: others[image.Image.Image]))
            .Select(pair => (pair.First, pair.Second, Gain: pair.Second.Score - pair.First.Score))
            .Where(pair => double.IsFinite(pair.Gain) && pair.Gain != 0)
            .OrderByDescending(pair => pair.Gain)
            .ToArray();
        var better = pairs.TakeWhile(pair => pair.Gain > 0).Take(MostPictures);
        var worse = pairs.Reverse().TakeWhile(pair => pair.Gain < 0).Take(MostPictures);
        return Html.Of(
            $"""
            <p class="soft">By the {first.Measured.Score.Name}; at the left {first.Run.Name}, at the right {second.Run.Name}.</p>
            <h3>{second.Run.Name} is better</h3>
            {Row(better)}
            <h3>{first.Run.Name} is better</h3>
            {Row(worse)}
            """
        );

        Html Row(IEnumerable<(MeasuredImage First, MeasuredImage Second, double Gain)> chosen)
        {
            var figures = chosen.Select(pair => Figure(pair.First, pair.Second)).ToArray();
            return figures.Length == 0
                ? Html.Of($"<p>On no image.</p>")
                : Html.Of($"<div class=\"pictures\" style=\"--pic:24rem\">{figures}</div>");
        }

        Html Figure(MeasuredImage a, MeasuredImage b)
        {
            using var drawing = Overlays.SideBySide(
                [
                    (first.Run.Name, PictureSection.Draw(first.Run, first.Measured, a, leastScore)),
                    (second.Run.Name, PictureSection.Draw(second.Run, second.Measured, b, leastScore)),
                ],
                []
            );
            var score = string.Create(CultureInfo.InvariantCulture, $"{a.Score:0.000}, {b.Score:0.000}");
            return PictureSection.Figure(
                a.Image.Image,
                score,
                a.Words == b.Words ? a.Words : $"{a.Words}; {b.Words}",
                drawing.ToImage(),
                budget
            );
        }
    }

    private static double[] Values(MeasuredRun run) =>
        run.Segments is not null ? [.. run.Data.Classes.Select(name => run.OfClasses.GetValueOrDefault($"PQ/{name}", double.NaN))]
        : run.Confusion is not { } matrix ? []
        :
        [
            .. ClassFigures
                .Of(matrix, run.Data)
                .Select(one =>
                    run.Data.Task switch
                    {
                        DataTask.Segmentation => one.IoU,
                        DataTask.Detection => run.OfClasses.GetValueOrDefault($"bbox/AP/{one.Name}", double.NaN),
                        _ => one.F1,
                    }
                ),
        ];

    private static string Measure(DataTask task) =>
        task switch
        {
            DataTask.Segmentation => "IoU",
            DataTask.Detection => "AP",
            DataTask.Panoptic => "PQ",
            _ => "F1",
        };
}
