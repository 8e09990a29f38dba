using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Models.Detection.Heads;
using Tessera.Tools.Anchors;
using Tessera.Tools.Output;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tools.Commands;

/// <summary>Fits a config's anchors to the boxes it is trained on.</summary>
internal static class OptimizeAnchorsCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var sizes = CommandLine.Option<int?>("--sizes", "N", "Sizes on each map. Default: as many as the config's anchors have.");
        var ratios = CommandLine.Option<int?>("--ratios", "N", "Ratios. Default: as many as the config's anchors have.");
        var images = CommandLine.Option<int>("--images", "N", 5000, "Look at N images at most, evenly spread. Default: 5000.");
        var generations = CommandLine.Option<int>("--generations", "N", 200, "Of the differential evolution. Default: 200.");
        var seed = CommandLine.Option<long>("--seed", "N", "The start of all random numbers. Default: 0.");
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "optimize-anchors",
            "Fits anchors to the training boxes as the pipeline resizes them, by k-means and differential evolution for the recall at "
                + "the assigner's thresholds; prints them ready to paste where they are better than the config's."
        )
        {
            config,
            sizes,
            ratios,
            images,
            generations,
            seed,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetValue(sizes),
                parsed.GetValue(ratios),
                parsed.GetValue(images),
                parsed.GetValue(generations),
                parsed.GetValue(seed),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(string config, int? sizes, int? ratios, int images, int generations, long seed, string[] overrides)
    {
        if (sizes is < 1 or > 64 || ratios is < 1 or > 64)
            throw new UserErrorException("--sizes and --ratios are 1 to 64.");
        if (images < 1 || generations < 0)
            throw new UserErrorException("--images is at least 1, --generations at least 0.");
        using var session = Session.Open(config, new SessionOptions { Overrides = overrides, Note = ToolConsole.Current.Note });
        var dataset = session.Data[DataPart.Train];
        if (dataset.Info.Task != DataTask.Detection)
            throw new UserErrorException($"{config}: train.dataset is for {TaskNames.Of(dataset.Info.Task)}, and has no boxes.");

        var (before, maps, thresholds) = AnchorsOf(session, dataset.Info);
        var boxes = PlacedBoxes.On(maps, BoxesOf(dataset, images));
        if (boxes.Count == 0)
            throw new UserErrorException($"{config}: the training data has no boxes after its pipeline.");
        var kinds = before[0].Select(anchor => Math.Round(anchor.Height / anchor.Width, 2)).Distinct().Count();
        var (perMap, perSide) = (sizes ?? Math.Max(1, before[0].Length / kinds), ratios ?? kinds);
        if (boxes.Count < before.Length * perMap || boxes.Count < perSide)
            throw new UserErrorException(
                $"{config}: {boxes.Count} boxes are too few for {before.Length * perMap} sizes and {perSide} ratios."
            );

        var fit = new AnchorFit(boxes, maps, thresholds[0], perMap, perSide, seed);
        var clusters = fit.KMeans();
        var evolved = fit.Evolve([clusters, .. Regular(before, perMap, perSide)], generations, new Advance("evolving").Report).Rounded();
        var now = Candidate.Of("config", before, null, boxes, thresholds);
        Candidate[] found =
        [
            Candidate.Of("k-means", clusters.Rounded().ByMap(), clusters.Rounded(), boxes, thresholds),
            Candidate.Of("evolution", evolved.ByMap(), evolved, boxes, thresholds),
        ];
        ToolConsole.Current.Line(
            $"{Counted.Of(boxes.Count, "box", "boxes")} of {Counted.Of(Math.Min(images, dataset.Count), "image")}, after the pipeline; "
                + $"{Counted.Of(before.Length, "map")} with {Counted.Of(perMap, "size")} and {Counted.Of(perSide, "ratio")} each."
        );
        string[] header =
        [
            "from",
            "anchors",
            "mean best IoU",
            .. thresholds.Select(threshold => string.Create(CultureInfo.InvariantCulture, $"recall at {threshold:0.##}")),
        ];
        ToolConsole.Current.Table(
            new MetricTable("anchors, at the places where they stand", header, [.. found.Prepend(now).Select(candidate => candidate.Row())])
        );
        var best = found.Aggregate((a, b) => b.IsBetterThan(a) ? b : a);
        ToolConsole.Current.Line(
            best.IsBetterThan(now) ? Text(best.Shapes!) : "Keep the config's anchors: none that were found have a better recall."
        );
        return 0;
    }

    /// <summary>Extents of each map's anchors, where the maps' anchors stand, and the assigner's thresholds, the higher first.</summary>
    private static (Extent[][] Anchors, AnchorMap[] Maps, double[] Thresholds) AnchorsOf(Session session, DataInfo info)
    {
        using var scope = NewDisposeScope();
        using var model = session.CreateModel(info);
        var head =
            model.modules().OfType<RetinaHead>().FirstOrDefault()
            ?? throw new UserErrorException($"{session.Name}: its model has no anchors; RetinaHead has.");
        var grid = head.Anchors.Generate([.. head.Anchors.Strides.Select(_ => (1, 1))], (1, 1));
        var anchors = grid
            .Levels.Select(level =>
                Enumerable
                    .Range(level.Start, level.Count)
                    .Select(i => new Extent(grid.Boxes.X2[i] - grid.Boxes.X1[i], grid.Boxes.Y2[i] - grid.Boxes.Y1[i]))
                    .ToArray()
            )
            .ToArray();
        var maps = grid
            .Levels.Zip(
                head.Anchors.Strides,
                (level, stride) => new AnchorMap(stride, (grid.Boxes.X1[level.Start] + grid.Boxes.X2[level.Start]) / 2)
            )
            .ToArray();
        var (positive, negative) = head.Assigner.Thresholds;
        return (anchors, maps, negative > 0 && negative < positive ? [positive, negative] : [positive]);
    }

    /// <summary>Boxes as training sees them, with their centres.</summary>
    private static List<(Extent Extent, double X, double Y)> BoxesOf(Dataset dataset, int most)
    {
        var count = Math.Min(most, dataset.Count);
        var found = new (Extent Extent, double X, double Y)[count][];
        var (advance, done) = (new Advance("reading"), 0);
        Parallel.For(
            0,
            count,
            new ParallelOptions { MaxDegreeOfParallelism = Processor.Cores },
            i =>
            {
                var index = (int)((long)i * dataset.Count / count);
                var sample = dataset.Open(index, training: true);
                var random = RandomSource.For(0, 0, index);
                foreach (var step in dataset.Pipeline)
                    sample = step.Apply(sample, random);
                found[i] = sample.Truth.Boxes is not { } boxes
                    ? []
                    :
                    [
                        .. Enumerable
                            .Range(0, boxes.Count)
                            .Where(b => !boxes.Ignored[b])
                            .Select(b => Placed(boxes.Corners.AsSpan(4 * b, 4)))
                            .Where(box => box.Extent.Width > 0 && box.Extent.Height > 0),
                    ];
                var now = Interlocked.Increment(ref done);
                lock (advance)
                    advance.Report(now, count);
            }
        );
        return [.. found.SelectMany(boxes => boxes)];

        static (Extent Extent, double X, double Y) Placed(ReadOnlySpan<float> box) =>
            (new Extent(box[2] - box[0], box[3] - box[1]), (box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
    }

    /// <summary>The config's anchors as a start for others, where they are sizes times ratios of the wanted numbers.</summary>
    private static IEnumerable<AnchorShapes> Regular(Extent[][] before, int sizes, int ratios)
    {
        var shares = before[0].Select(anchor => Math.Round(anchor.Height / anchor.Width, 2)).Distinct().Order().ToArray();
        var sides = before
            .Select(anchors =>
                anchors.Select(anchor => Math.Round(Math.Sqrt(anchor.Width * anchor.Height), 1)).Distinct().Order().ToArray()
            )
            .ToArray();
        if (shares.Length == ratios && sides.All(map => map.Length == sizes))
            yield return new AnchorShapes(sides, shares);
    }

    /// <summary>A set of anchors with how well it serves the boxes.</summary>
    /// <param name="Shapes">null: the config's.</param>
    private sealed record Candidate(string From, int Anchors, AnchorShapes? Shapes, double Mean, double[] Recall)
    {
        public static Candidate Of(string from, Extent[][] anchors, AnchorShapes? shapes, PlacedBoxes boxes, double[] thresholds)
        {
            var (mean, recall) = boxes.Measure(anchors, thresholds);
            return new Candidate(from, anchors.Sum(ofMap => ofMap.Length), shapes, mean, recall);
        }

        /// <summary>By the recall at the assigner's thresholds, then by the mean, as the table shows them.</summary>
        public bool IsBetterThan(Candidate other)
        {
            foreach (var (mine, others) in Recall.Append(Mean).Zip(other.Recall.Append(other.Mean)))
                if (Math.Round(mine, 4) != Math.Round(others, 4))
                    return mine > others;
            return false;
        }

        public IReadOnlyList<string> Row() => [From, Anchors.ToString(CultureInfo.InvariantCulture), Four(Mean), .. Recall.Select(Four)];

        private static string Four(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
    }

    private static string Text(AnchorShapes shapes)
    {
        var sizes = string.Join(", ", shapes.Sizes.Select(sides => $"[{Numbers(sides)}]"));
        return "\"anchor_generator\": { \"type\": \"AnchorGenerator\", \"octave_base_scale\": null, \"scales_per_octave\": null, "
            + "\"scales\": null, \"base_sizes\": null, "
            + $"\"sizes\": [{sizes}], \"ratios\": [{Numbers(shapes.Ratios)}] }}";

        static string Numbers(double[] values) => string.Join(", ", values.Select(value => value.ToString(CultureInfo.InvariantCulture)));
    }
}
