using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>What a run makes of each class (of regression: of each target), as a table to sort.</summary>
internal static class ClassTable
{
    private const float Present = 0.5f;

    /// <param name="id">Of the table.</param>
    public static Html Of(MeasuredRun run, string id) =>
        run.Data.Task switch
        {
            DataTask.Segmentation => Pixels(run, id),
            DataTask.Detection => Objects(run, id),
            DataTask.Panoptic => Segments(run, id),
            DataTask.MultiLabel => Labels(run, id),
            DataTask.Regression => Targets(run, id),
            _ => Images(run, id),
        };

    private static Html Images(MeasuredRun run, string id) =>
        PageTable.Of(
            id,
            "Precision: the share of images taken for the class that show it. Recall: the share of its images that are found.",
            [
                new("class", false, true),
                new("images"),
                new("predicted"),
                new("precision"),
                new("recall"),
                new("F1"),
                new("mostly taken for", false, true),
            ],
            Rows(
                run,
                one =>
                    [
                        PageCell.Of(one.Truth),
                        PageCell.Of(one.Predicted),
                        PageCell.Of(one.Precision),
                        PageCell.Of(one.Recall),
                        PageCell.Of(one.F1),
                        PageCell.Of(one.Confusion),
                    ]
            )
        );

    private static Html Pixels(MeasuredRun run, string id) =>
        PageTable.Of(
            id,
            "IoU: pixels of the class that are found, of all that are the class's or taken for it.",
            [new("class", false, true), new("pixels"), new("IoU"), new("precision"), new("recall"), new("mostly taken for", false, true)],
            Rows(
                run,
                one =>
                    [
                        PageCell.Of(one.Truth),
                        PageCell.Of(one.IoU),
                        PageCell.Of(one.Precision),
                        PageCell.Of(one.Recall),
                        PageCell.Of(one.Confusion),
                    ]
            )
        );

    private static Html Objects(MeasuredRun run, string id) =>
        PageTable.Of(
            id,
            "AP: over IoU 0.50 to 0.95. Precision and recall: of the boxes that are drawn, at IoU 0.50.",
            [
                new("class", false, true),
                new("objects"),
                new("boxes"),
                new("AP"),
                new("AP50"),
                new("AP75"),
                new("precision"),
                new("recall"),
                new("mostly taken for", false, true),
            ],
            Rows(
                run,
                one =>
                    [
                        PageCell.Of(one.Truth),
                        PageCell.Of(one.Predicted),
                        PageCell.Of(run.OfClasses.GetValueOrDefault($"bbox/AP/{one.Name}", double.NaN)),
                        PageCell.Of(run.OfClasses.GetValueOrDefault($"bbox/AP50/{one.Name}", double.NaN)),
                        PageCell.Of(run.OfClasses.GetValueOrDefault($"bbox/AP75/{one.Name}", double.NaN)),
                        PageCell.Of(one.Precision),
                        PageCell.Of(one.Recall),
                        PageCell.Of(one.Confusion),
                    ]
            )
        );

    private static Html Segments(MeasuredRun run, string id) =>
        PageTable.Of(
            id,
            "PQ = SQ · RQ: how well the segments that are found agree with the true ones, times how many are found and rightly so.",
            [
                new("class", false, true),
                new("kind", false, true),
                new("PQ"),
                new("SQ"),
                new("RQ"),
                new("found"),
                new("wrong"),
                new("missed"),
            ],
            [
                .. run.Segments!.Counts.Select(
                    (count, c) =>
                        (IReadOnlyList<PageCell>)
                            [
                                PageCell.Of(run.Data.Classes[c]),
                                PageCell.Of(run.Data.Things![c] ? "thing" : "stuff"),
                                .. ((string[])["PQ", "SQ", "RQ"]).Select(figure =>
                                    PageCell.Of(run.OfClasses[$"{figure}/{run.Data.Classes[c]}"])
                                ),
                                PageCell.Of(count.Found),
                                PageCell.Of(count.Wrong),
                                PageCell.Of(count.Missed),
                            ]
                ),
            ]
        );

    private static Html Labels(MeasuredRun run, string id)
    {
        var classes = run.Data.Classes;
        var (truth, predicted, right) = (new long[classes.Count], new long[classes.Count], new long[classes.Count]);
        foreach (var image in run.Images)
        {
            if (image.Image.Load() is not ClassPrediction found || image.Sample.Truth.MultiLabel is not { } labels)
                continue;
            for (var c = 0; c < classes.Count; c++)
            {
                var (there, said) = (labels[c] >= Present, found.Scores[c] > Present);
                truth[c] += there ? 1 : 0;
                predicted[c] += said ? 1 : 0;
                right[c] += there && said ? 1 : 0;
            }
        }
        return PageTable.Of(
            id,
            "A class is predicted where its probability is above 0.5.",
            [new("class", false, true), new("images"), new("predicted"), new("precision"), new("recall"), new("F1")],
            [
                .. classes.Select(
                    (name, c) =>
                        (IReadOnlyList<PageCell>)
                            [
                                PageCell.Of(name),
                                PageCell.Of(truth[c]),
                                PageCell.Of(predicted[c]),
                                PageCell.Of((double)right[c] / predicted[c]),
                                PageCell.Of((double)right[c] / truth[c]),
                                PageCell.Of(2.0 * right[c] / (truth[c] + predicted[c])),
                            ]
                ),
            ]
        );
    }

    private static Html Targets(MeasuredRun run, string id)
    {
        var pairs = run
            .Images.Select(image => (Found: (image.Image.Load() as RegressionPrediction)?.Values, Truth: image.Sample.Truth.Targets))
            .Where(pair => pair.Found is not null && pair.Truth is not null)
            .ToArray();
        return PageTable.Of(
            id,
            "Errors in the unit of the data: prediction less truth.",
            [new("target", false, true), new("images"), new("mean absolute error"), new("root mean square error"), new("mean error")],
            [
                .. run.Data.Classes.Select(
                    (name, t) =>
                    {
                        var errors = pairs.Select(pair => (double)pair.Found![t] - pair.Truth![t]).DefaultIfEmpty(double.NaN).ToArray();
                        return (IReadOnlyList<PageCell>)
                            [
                                PageCell.Of(name),
                                PageCell.Of(pairs.Length),
                                PageCell.Of(errors.Average(Math.Abs)),
                                PageCell.Of(Math.Sqrt(errors.Average(error => error * error))),
                                PageCell.Of(errors.Average()),
                            ];
                    }
                ),
            ]
        );
    }

    private static IReadOnlyList<PageCell>[] Rows(MeasuredRun run, Func<ClassFigures, IReadOnlyList<PageCell>> cells) =>
        [.. ClassFigures.Of(run.Confusion!, run.Data).Select(one => (IReadOnlyList<PageCell>)[PageCell.Of(one.Name), .. cells(one)])];
}
