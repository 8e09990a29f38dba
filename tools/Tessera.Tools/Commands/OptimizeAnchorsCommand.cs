using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;
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
        var sizes = new Option<int?>("--sizes") { Description = "Sizes on each map. Default: as many as the config's anchors have.", HelpName = "N" };
        var ratios = new Option<int?>("--ratios") { Description = "Ratios. Default: as many as the config's anchors have.", HelpName = "N" };
        var images = new Option<int>("--images") { Description = "Look at N images at most, evenly spread. Default: 5000.", HelpName = "N", DefaultValueFactory = _ => 5000 };
        var generations = new Option<int>("--generations") { Description = "Of the differential evolution. Default: 200.", HelpName = "N", DefaultValueFactory = _ => 200 };
        var seed = new Option<long>("--seed") { Description = "Default: 0.", HelpName = "N" };
        var overrides = CommandLine.CfgOptions();
        var command = new Command("optimize-anchors", "Fits anchors to the training boxes as the pipeline resizes them, by k-means and differential evolution on IoU; prints them ready to paste.")
            { config, sizes, ratios, images, generations, seed, overrides };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(config), parsed.GetValue(sizes), parsed.GetValue(ratios), parsed.GetValue(images), parsed.GetValue(generations),
            parsed.GetValue(seed), parsed.GetRequiredValue(overrides)));
        return command;
    }

    private static int Run(string config, int? sizes, int? ratios, int images, int generations, long seed, string[] overrides)
    {
        if (sizes is < 1 or > 64 || ratios is < 1 or > 64) throw new UserErrorException("--sizes and --ratios are 1 to 64.");
        if (images < 1 || generations < 0) throw new UserErrorException("--images is at least 1, --generations at least 0.");
        var document = ConfigDocument.Load(config, overrides);
        using var services = Composition.Services(document, Console.Error.WriteLine).BuildServiceProvider();
        var builder = new RunBuilder(services.GetRequiredService<ComponentBuilder>().Bind<RunOptions>(document), services);
        builder.StartTensorLibrary();
        var dataset = builder.Dataset((builder.Options.Train ?? throw new UserErrorException($"{config}: it has no train.dataset.")).Dataset);
        if (dataset.Info.Task != DataTask.Detection) throw new UserErrorException($"{config}: train.dataset is for {dataset.Info.Task}, and has no boxes.");

        var before = AnchorsOf(builder, dataset.Info, config);
        var boxes = BoxesOf(dataset, images);
        if (boxes.Length == 0) throw new UserErrorException($"{config}: the training data has no boxes after its pipeline.");
        var kinds = before[0].Select(anchor => Math.Round(anchor.Height / anchor.Width, 2)).Distinct().Count();
        var (perMap, perSide) = (sizes ?? Math.Max(1, before[0].Length / kinds), ratios ?? kinds);
        if (boxes.Length < before.Length * perMap || boxes.Length < perSide)
            throw new UserErrorException($"{config}: {boxes.Length} boxes are too few for {before.Length * perMap} sizes and {perSide} ratios.");

        var fit = new AnchorFit(boxes, before.Length, perMap, perSide, seed);
        var clusters = fit.KMeans();
        var evolved = fit.Evolve([clusters, .. Regular(before, perMap, perSide)], generations, new Advance("evolving").Report);
        var all = before.SelectMany(anchors => anchors).ToArray();
        var (shapes, rows) = (clusters.Rounded(), new List<IReadOnlyList<string>> { Row("config", boxes, all), Row("k-means", boxes, clusters.Rounded().Extents()), Row("evolution", boxes, evolved.Rounded().Extents()) });
        if (AnchorFit.Measure(boxes, evolved.Rounded().Extents()).Mean > AnchorFit.Measure(boxes, shapes.Extents()).Mean) shapes = evolved.Rounded();

        Console.WriteLine($"{boxes.Length} boxes of {Math.Min(images, dataset.Count)} images, after the pipeline; {before.Length} maps with {perMap} sizes and {perSide} ratios each.");
        Console.WriteLine(TextTable.Format(new MetricTable("anchors", ["from", "anchors", "mean best IoU", "recall at 0.5", "recall at 0.7"], rows)));
        if (AnchorFit.Measure(boxes, all).Mean >= AnchorFit.Measure(boxes, shapes.Extents()).Mean) Console.WriteLine("The config's anchors are as good. The best that were found:");
        Console.WriteLine(Text(shapes));
        return 0;
    }

    /// <summary>Extents of each map's anchors.</summary>
    private static Extent[][] AnchorsOf(RunBuilder builder, DataInfo info, string config)
    {
        using var scope = NewDisposeScope();
        using var model = builder.Model(info);
        var head = model.modules().OfType<RetinaHead>().FirstOrDefault() ?? throw new UserErrorException($"{config}: its model has no anchors; RetinaHead has.");
        var maps = head.Anchors.Strides.Select(_ => (1, 1)).ToArray();
        var grid = head.Anchors.Generate(maps, (1, 1));
        return [.. grid.Levels.Select(level => Enumerable.Range(level.Start, level.Count).Select(i => new Extent(grid.Boxes.X2[i] - grid.Boxes.X1[i], grid.Boxes.Y2[i] - grid.Boxes.Y1[i])).ToArray())];
    }

    private static Extent[] BoxesOf(Dataset dataset, int most)
    {
        var count = Math.Min(most, dataset.Count);
        var found = new Extent[count][];
        var (advance, done) = (new Advance("reading"), 0);
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Processor.Cores }, i =>
        {
            var index = (int)((long)i * dataset.Count / count);
            var sample = dataset.Open(index, training: true);
            var random = RandomSource.For(0, 0, index);
            foreach (var step in dataset.Pipeline) sample = step.Apply(sample, random);
            found[i] = sample.Boxes is not { } boxes ? [] : [.. Enumerable.Range(0, boxes.Count).Where(b => !boxes.Ignored[b])
                .Select(b => new Extent(boxes.Corners[4 * b + 2] - boxes.Corners[4 * b], boxes.Corners[4 * b + 3] - boxes.Corners[4 * b + 1])).Where(box => box.Width > 0 && box.Height > 0)];
            var now = Interlocked.Increment(ref done);
            lock (advance) advance.Report(now, count);
        });
        return [.. found.SelectMany(boxes => boxes)];
    }

    /// <summary>The config's anchors as a start for others, where they are sizes times ratios of the wanted numbers.</summary>
    private static IEnumerable<AnchorShapes> Regular(Extent[][] before, int sizes, int ratios)
    {
        var shares = before[0].Select(anchor => Math.Round(anchor.Height / anchor.Width, 2)).Distinct().Order().ToArray();
        var sides = before.Select(anchors => anchors.Select(anchor => Math.Round(Math.Sqrt(anchor.Width * anchor.Height), 1)).Distinct().Order().ToArray()).ToArray();
        if (shares.Length == ratios && sides.All(map => map.Length == sizes)) yield return new AnchorShapes(sides, shares);
    }

    private static IReadOnlyList<string> Row(string name, Extent[] boxes, Extent[] anchors)
    {
        var (mean, recall) = AnchorFit.Measure(boxes, anchors, 0.5, 0.7);
        return [name, anchors.Length.ToString(CultureInfo.InvariantCulture), mean.ToString("0.0000", CultureInfo.InvariantCulture), .. recall.Select(share => share.ToString("0.0000", CultureInfo.InvariantCulture))];
    }

    private static string Text(AnchorShapes shapes) => string.Create(CultureInfo.InvariantCulture,
        $"\"anchor_generator\": {{ \"type\": \"AnchorGenerator\", \"octave_base_scale\": null, \"scales_per_octave\": null, \"scales\": null, \"base_sizes\": null, \"sizes\": [{string.Join(", ", shapes.Sizes.Select(sides => $"[{string.Join(", ", sides.Select(side => side.ToString(CultureInfo.InvariantCulture)))}]"))}], \"ratios\": [{string.Join(", ", shapes.Ratios.Select(ratio => ratio.ToString(CultureInfo.InvariantCulture)))}] }}");
}
