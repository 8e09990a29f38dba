using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Datasets.WithoutTensors;

/// <summary>What a program does that predicts without libtorch, but for the model.</summary>
internal static class TensorFreeProgram
{
    /// <summary>Reads the config's data and each of its images, prints what it finds, and writes a picture of predictions.</summary>
    public static void Run(string config, string picture)
    {
        var document = ConfigDocument.Load(config);
        var registry = new ComponentRegistry();
        registry.Add(typeof(LoadImage).Assembly);
        var components = new ComponentBuilder(registry, new ServiceCollection().BuildServiceProvider());
        var data = components.Build(components.Describe<Dataset>(document, "test.dataset"));
        Print($"classes: {string.Join(", ", data.Info.Classes)}");
        foreach (var note in data.Check())
            Print($"note: {note}");

        var panels = new List<(string, Image)>();
        var colors = ClassColors.Of(data.Info);
        for (var i = 0; i < data.Count; i++)
        {
            var prepared = PreparedSample.Of(data.Open(i, training: false), data.Pipeline, RandomSource.For(0, 0, i));
            var planes = prepared.Planes();
            Print($"input: {prepared.Pixels.Channels} x {prepared.Pixels.Height} x {prepared.Pixels.Width}, mean {planes.Average():0.000}");
            var truth = prepared.Sample.Truth.SegmentationMap!;
            Prediction[] predictions = [new SegmentationPrediction(truth), new DetectionPrediction([2, 2, 20, 14], [0.9f], [1])];
            foreach (var prediction in predictions)
                panels.Add((prediction.GetType().Name, Drawn(Original(data, i), prediction, data.Info, colors)));
        }
        using var drawing = Overlays.SideBySide(panels, [.. data.Info.Classes.Zip(colors)]);
        File.WriteAllBytes(picture, drawing.EncodePng());
        using var process = Process.GetCurrentProcess();
        var native = process.Modules.Cast<ProcessModule>().Select(module => Path.GetFileName(module.FileName));
        Print($"of libtorch: {string.Join(", ", native.Where(IsOfLibTorch))}");
    }

    public static bool IsOfLibTorch(string file) =>
        file.Contains("torch", StringComparison.OrdinalIgnoreCase) && !file.EndsWith(".dll", StringComparison.Ordinal)
        || file.StartsWith("libc10", StringComparison.Ordinal);

    private static Image Original(Dataset data, int index)
    {
        var sample = data.Open(index, training: false);
        return new LoadImage(new LoadImageOptions()).Apply(sample, new RandomSource(0)).Image!.Decode();
    }

    private static Image Drawn(Image image, Prediction prediction, DataInfo data, Rgb[] colors) =>
        prediction switch
        {
            SegmentationPrediction { Map: var map } => Overlays.Segmentation(image, map, colors),
            DetectionPrediction boxes => Overlays.Detections(image, boxes, data.Classes, colors),
            _ => image,
        };

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
