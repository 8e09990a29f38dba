using System.Globalization;
using System.Text.RegularExpressions;
using Tessera.Framework.Data;
using Tessera.Tools.Anchors;

namespace Tessera.Tests.Tools.Data;

[Collection(InProcess.Name)]
public sealed class OptimizeAnchorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-anchors").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Overlap_OfOneCentre()
    {
        Assert.Equal(50.0 / 150, new Extent(10, 10).Overlap(new Extent(5, 20)), 12);
        Assert.Equal(1, new Extent(3, 4).Overlap(new Extent(3, 4)));
        var (mean, recall) = AnchorFit.Measure([new(10, 10), new(1, 100)], [new(10, 20), new(5, 5)], 0.5, 0.6);
        Assert.Equal((0.5 + 20.0 / (200 + 100 - 20)) / 2, mean, 12); // 1 x 20 shared of 10 x 20 and 1 x 100
        Assert.Equal([0.5, 0], recall);
    }

    /// <summary>Boxes of two sides and two ratios are found again by both methods.</summary>
    [Fact]
    public void Fit_FindsThePlantedShapes()
    {
        var random = new RandomSource(5);
        var boxes = Enumerable
            .Range(0, 400)
            .Select(i =>
            {
                var (side, ratio) = (
                    (i % 2 == 0 ? 20 : 90) * (1 + 0.02 * random.Normal()),
                    (i / 2 % 2 == 0 ? 0.5 : 2) * (1 + 0.02 * random.Normal())
                );
                return new Extent(side / Math.Sqrt(ratio), side * Math.Sqrt(ratio));
            })
            .ToArray();
        var fit = new AnchorFit(boxes, maps: 2, sizes: 1, ratios: 2, seed: 0);
        foreach (
            var (name, shapes) in ((string, AnchorShapes)[])
                [
                    ("k-means", fit.KMeans()),
                    (
                        "evolution",
                        fit.Evolve(
                            [
                                new(
                                    [
                                        [50],
                                        [60],
                                    ],
                                    [1, 1.1]
                                ),
                            ],
                            150
                        )
                    ),
                ]
        )
        {
            Assert.True(
                shapes.Sizes[0][0] is > 18 and < 22,
                $"{name}: {shapes.Sizes[0][0]}, {shapes.Sizes[1][0]}; {string.Join(", ", shapes.Ratios)}; "
                    + $"{AnchorFit.Measure(boxes, shapes.Extents()).Mean}"
            );
            Assert.InRange(shapes.Sizes[0][0], 18, 22);
            Assert.InRange(shapes.Sizes[1][0], 85, 95);
            Assert.InRange(shapes.Ratios[0], 0.45, 0.55);
            Assert.InRange(shapes.Ratios[1], 1.8, 2.2);
            Assert.InRange(AnchorFit.Measure(boxes, shapes.Extents()).Mean, 0.93, 1);
        }
        // the seed decides
        Assert.Equal(fit.Evolve([fit.KMeans()], 5).Sizes, new AnchorFit(boxes, 2, 1, 2, 0).Evolve([fit.KMeans()], 5).Sizes);
    }

    [Fact]
    public void Overlap_OfCentresThatAreApart()
    {
        Assert.Equal(7.0 * 8 / (200 - 7 * 8), new Extent(10, 10).Overlap(new Extent(10, 10), 3, 2), 12);
        Assert.Equal(0, new Extent(10, 10).Overlap(new Extent(10, 10), 10, 0));
        Assert.Equal(4.0 / 100, new Extent(10, 10).Overlap(new Extent(2, 2), 4, 4), 12); // still inside
    }

    /// <summary>A square of the least side that a map holds reaches the threshold between four places, and one a little smaller
    /// doesn't.</summary>
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.7)]
    public void AnchorMap_HoldsSidesFromTheThresholdOn(double threshold)
    {
        var least = new AnchorMap(16, 0).Sides(threshold).Least;
        Assert.Equal(threshold, new Extent(least, least).Overlap(new Extent(least, least), 8, 8), 9);
        Assert.True(new Extent(least - 1, least - 1).Overlap(new Extent(least - 1, least - 1), 8, 8) < threshold);
    }

    /// <summary>Boxes of all ratios and sides from 24 to 300: with few anchors, recall must be chosen for, which clusters don't
    /// do.</summary>
    [Fact]
    public void Evolution_ReachesABetterRecallThanClusters_AndKeepsSidesOnMapsThatHoldThem()
    {
        var random = new RandomSource(9);
        AnchorMap[] maps = [new(8, 0), new(16, 0), new(32, 0)];
        var boxes = PlacedBoxes.On(
            maps,
            [
                .. Enumerable
                    .Range(0, 600)
                    .Select(_ =>
                    {
                        var (side, ratio) = (
                            24 * Math.Pow(12.5, Math.Pow(random.NextDouble(), 2)),
                            Math.Pow(4, 2 * random.NextDouble() - 1)
                        );
                        return (
                            new Extent(side / Math.Sqrt(ratio), side * Math.Sqrt(ratio)),
                            600 * random.NextDouble(),
                            600 * random.NextDouble()
                        );
                    }),
            ]
        );
        var fit = new AnchorFit(boxes, maps, 0.5, sizes: 1, ratios: 2, seed: 0);
        var (clusters, evolved) = (fit.KMeans(), fit.Evolve([fit.KMeans()], 60));
        var (before, after) = (boxes.Measure(clusters.ByMap(), 0.5).Recall[0], boxes.Measure(evolved.ByMap(), 0.5).Recall[0]);
        Assert.True(after > before + 0.01, $"{before} {after}");
        for (var map = 1; map < maps.Length; map++)
            Assert.All(clusters.Sizes[map].Concat(evolved.Sizes[map]), side => Assert.True(side >= maps[map].Sides(0.5).Least - 1e-9));
        // None lies beyond all boxes, where it would do no harm, nor any good.
        var longest = boxes.Extents.Max(box => Math.Max(box.Width, box.Height));
        Assert.All(evolved.Sizes.SelectMany(sides => sides), side => Assert.InRange(side, 1, longest));
        Assert.All(evolved.Ratios, ratio => Assert.InRange(ratio, 0.25, 4));
    }

    [Fact]
    public void Config_WhoseAnchorsAreTheBest_KeepsThem()
    {
        // With as many sizes and ratios as the fit can use, those that were found and pasted are not beaten by one generation more.
        var config = Path.Combine(Snippets.Repository, "configs/retinanet/retinanet-small_shapes.json");
        string[] few = ["--images", "60", "--cfg-options", "train.dataset.count=60"];
        var first = Tool.Run(["optimize-anchors", config, "--generations", "40", .. few]).Succeeds().Output;
        var pasted = Path.Combine(_folder, "kept.json");
        var text = first[first.IndexOf("\"anchor_generator\"", StringComparison.Ordinal)..].Trim();
        File.WriteAllText(pasted, $"{{ \"_base_\": \"{config}\", \"model\": {{ \"bbox_head\": {{ {text} }} }} }}");
        var again = Tool.Run(["optimize-anchors", pasted, "--generations", "0", .. few]).Succeeds().Output;
        Assert.Contains("Keep the config's anchors", again, StringComparison.Ordinal);
        Assert.DoesNotContain("\"anchor_generator\"", again, StringComparison.Ordinal);
    }

    [Fact]
    public void Config_GetsBetterAnchors_ThatCanBePasted()
    {
        var config = Path.Combine(Snippets.Repository, "configs/retinanet/retinanet-small_shapes.json");
        var said = Tool.Run(
                "optimize-anchors",
                config,
                "--images",
                "120",
                "--generations",
                "30",
                "--cfg-options",
                "train.dataset.count=200"
            )
            .Succeeds()
            .Output;
        double Mean(string row) =>
            double.Parse(Regex.Match(said, row + @"\D+\d+\D+(0\.\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(Mean("evolution") > Mean("config"), said);
        Assert.True(Mean("evolution") >= Mean("k-means") - 1e-3, said);

        var text = said[said.IndexOf("\"anchor_generator\"", StringComparison.Ordinal)..].Trim();
        var pasted = Path.Combine(_folder, "pasted.json");
        File.WriteAllText(pasted, $"{{ \"_base_\": \"{config}\", \"model\": {{ \"bbox_head\": {{ {text} }} }} }}");
        var again = Tool.Run(
                "optimize-anchors",
                pasted,
                "--images",
                "120",
                "--generations",
                "1",
                "--cfg-options",
                "train.dataset.count=200"
            )
            .Succeeds()
            .Output;
        said = said.Replace("config ", "before ", StringComparison.Ordinal);
        var now = double.Parse(Regex.Match(again, @"config\D+\d+\D+(0\.\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal(Math.Max(Mean("evolution"), Mean("k-means")), now, 0.002);
    }

    [Fact]
    public void Config_WithoutAnchors_IsAMistake()
    {
        var fcos = Path.Combine(Snippets.Repository, "configs/fcos/fcos_r18_fpn_shapes.json");
        Tool.Run("optimize-anchors", fcos, "--cfg-options", "train.dataset.count=20").IsMistake("has no anchors");
        Tool.Run(
                "optimize-anchors",
                Path.Combine(Snippets.Repository, "configs/retinanet/retinanet-small_shapes.json"),
                "--cfg-options",
                "train.dataset.count=2"
            )
            .IsMistake("boxes are too few");
    }
}
