using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Output;

namespace Tessera.Tools.ErrorAnalysis;

/// <summary>A segmentor's errors: at boundaries and within, and what is taken for what.</summary>
internal sealed class SegmentationErrorReport(DataInfo data, double boundary) : IErrorReport
{
    private const int MostPairs = 15;

    private readonly SegmentationErrors _errors = new(data, new SegmentationErrorOptions(boundary));

    public void Add(Sample sample, Prediction prediction) => _errors.Add(sample, prediction);

    public void Finish(string title, FileSet files, JsonObject document)
    {
        var found = _errors.Result();
        Show(found);
        files.Add("boundary.png", Bands(title, found));
        if (found.Pairs.Count > 0)
            files.Add("pairs.png", Pairs(title, found));
        document["mIoU"] = Numbers.Json(found.MeanIoU);
        document["gain_of_boundary"] = Numbers.Json(found.BoundaryGain);
        document["gain_of_interior"] = Numbers.Json(found.InteriorGain);
        document["pixels"] = found.Pixels;
        document["wrong"] = found.Wrong;
        document["classes"] = Numbers.List(
            found.Classes,
            row => new JsonObject
            {
                ["name"] = row.Name,
                ["IoU"] = Numbers.Json(row.IoU),
                ["boundary"] = row.Boundary,
                ["boundary_wrong"] = row.BoundaryWrong,
                ["interior"] = row.Interior,
                ["interior_wrong"] = row.InteriorWrong,
            }
        );
        document["pairs"] = Numbers.List(
            found.Pairs,
            pair => new JsonObject
            {
                ["truth"] = data.Classes[pair.Truth],
                ["taken_for"] = data.Classes[pair.Predicted],
                ["pixels"] = pair.Pixels,
                ["at_boundary"] = pair.AtBoundary,
                ["gain"] = Numbers.Json(pair.Gain),
            }
        );
        document["bands"] = Numbers.List(
            found.Bands,
            band => new JsonObject
            {
                ["width"] = band.Width,
                ["pixels"] = band.Pixels,
                ["wrong"] = band.Wrong,
            }
        );
    }

    private void Show(SegmentationErrorResult found)
    {
        var console = ToolConsole.Current;
        console.Line(
            FormattableString.Invariant(
                $"mIoU {100 * found.MeanIoU:0.00}; {Numbers.Share(found.Wrong, found.Pixels)} % of the pixels wrong"
            )
        );
        console.Line();
        var (at, wrongAt) = (found.Classes.Sum(row => row.Boundary), found.Classes.Sum(row => row.BoundaryWrong));
        var (within, wrongWithin) = (found.Classes.Sum(row => row.Interior), found.Classes.Sum(row => row.InteriorWrong));
        console.Table(
            ["where", "% of pixels", "% of them wrong", "% of all errors", "mIoU to gain"],
            [Row("boundary", at, wrongAt, found.BoundaryGain), Row("interior", within, wrongWithin, found.InteriorGain)]
        );
        console.Line();
        console.Table(
            ["class", "IoU", "% wrong at its boundary", "% wrong within"],
            found.Classes.Select(row =>
                (string[])
                    [
                        row.Name,
                        Numbers.Percent(row.IoU),
                        Numbers.Share(row.BoundaryWrong, row.Boundary),
                        Numbers.Share(row.InteriorWrong, row.Interior),
                    ]
            )
        );
        if (found.Pairs.Count == 0)
            return;
        console.Line();
        console.Table(
            ["class", "taken for", "pixels", "% at the boundary", "mIoU to gain"],
            found
                .Pairs.Take(MostPairs)
                .Select(pair =>
                    (string[])
                        [
                            data.Classes[pair.Truth],
                            data.Classes[pair.Predicted],
                            Numbers.Count(pair.Pixels),
                            Numbers.Share(pair.AtBoundary, pair.Pixels),
                            Numbers.Gain(pair.Gain),
                        ]
                )
        );

        string[] Row(string where, long pixels, long wrong, double gain) =>
            [
                where,
                Numbers.Share(pixels, found.Pixels),
                Numbers.Share(wrong, pixels),
                Numbers.Share(wrong, found.Wrong),
                Numbers.Gain(gain),
            ];
    }

    private static LineChart Bands(string title, SegmentationErrorResult found)
    {
        return new LineChart
        {
            Title = title,
            XLabel = "pixels from another class, at most",
            YLabel = "%",
            LogX = true,
            FromZero = true,
            Curves =
            [
                Of("of the pixels there are wrong", band => (band.Wrong, band.Pixels)),
                Of("of all errors are there", band => (band.Wrong, found.Wrong)),
                Of("of all pixels are there", band => (band.Pixels, found.Pixels)),
            ],
        };

        Curve Of(string name, Func<BoundaryBand, (long Part, long Whole)> share) =>
            new(
                name,
                [
                    .. found.Bands.Select(band =>
                        ((double)band.Width, share(band) is var (part, whole) && whole > 0 ? 100.0 * part / whole : double.NaN)
                    ),
                ],
                Marks: true
            );
    }

    private BarChart Pairs(string title, SegmentationErrorResult found) =>
        new()
        {
            Title = title,
            Label = "mIoU to gain, in points",
            Format = "0.00",
            Bars =
            [
                .. found
                    .Pairs.Take(MostPairs)
                    .Select(pair => new Bar($"{data.Classes[pair.Truth]}, taken for {data.Classes[pair.Predicted]}", 100 * pair.Gain)),
            ],
        };
}
