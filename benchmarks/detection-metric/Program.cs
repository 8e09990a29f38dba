using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

// The file of compare.py: doubles, objects (image, class, x, y, w, h, crowd) and detections (image, class, x, y, w, h, score). For
// each line read: CocoAp over all images, and its seconds and twelve figures written.
var (images, classes) = (int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture));
var objects = Rows(args[0] + ".objects");
var detections = Rows(args[0] + ".detections");
var info = new DataInfo([.. Enumerable.Range(0, classes).Select(c => $"{c}")], DataTask.Detection);
var samples = new Sample[images];
var predictions = new Prediction[images];
for (var i = 0; i < images; i++)
{
    var (truth, found) = (objects[i].ToArray(), detections[i].ToArray());
    bool[] crowd = [.. truth.Select(row => row[6] != 0)];
    samples[i] = new Sample
    {
        Index = i,
        Name = $"{i}",
        Truth =
        {
            BoxAnnotation = new BoxAnnotation(
                [.. truth.SelectMany(row => row[2..6])],
                [.. truth.Select(row => (int)row[1])],
                [.. truth.Select(row => row[4] * row[5])],
                crowd,
                crowd
            ),
        },
    };
    double[] boxes = [.. found.SelectMany(row => row[2..6])];
    predictions[i] = new DetectionPrediction(
        Array.ConvertAll(boxes, value => (float)value),
        [.. found.Select(row => (float)row[6])],
        [.. found.Select(row => (int)row[1])]
    )
    {
        Stated = (boxes, [.. found.Select(row => row[6])]),
    };
}
while (Console.ReadLine() is not null)
{
    var watch = Stopwatch.StartNew();
    var metric = new CocoApMetric(new CocoApOptions(Bootstrap: 0));
    metric.Reset(info);
    for (var i = 0; i < images; i += 8)
        metric.Process(predictions[i..Math.Min(i + 8, images)], samples[i..Math.Min(i + 8, images)]);
    var values = metric.Compute();
    var seconds = watch.Elapsed.TotalSeconds;
    Console.WriteLine(JsonSerializer.Serialize(new[] { seconds }.Concat(values.Values)));
}

static ILookup<int, double[]> Rows(string path) =>
    MemoryMarshal.Cast<byte, double>(File.ReadAllBytes(path)).ToArray().Chunk(7).ToLookup(row => (int)row[0]);
