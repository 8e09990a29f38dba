using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>What pycocotools evaluated, and small images.</summary>
internal static class CocoScenes
{
    internal static readonly JsonElement Fixture = FixtureFile.Json("metrics", "pycocotools.json");

    internal static Sample Scene(Boxes boxes) =>
        new()
        {
            Index = 0,
            Name = "scene",
            Truth = { Boxes = boxes },
        };

    internal static IReadOnlyDictionary<string, double> Values(
        CocoApOptions options,
        DataInfo info,
        Prediction[] predictions,
        Sample[] samples
    )
    {
        var metric = new CocoApMetric(options);
        metric.Reset(info);
        metric.Process(predictions, samples);
        return metric.Compute();
    }

    internal static (DataInfo Info, Prediction[] Predictions, Sample[] Samples) Read(int index) => Read(Fixture[index]);

    /// <summary>A case of a file that make_coco.py or make_detection_errors.py wrote.</summary>
    internal static (DataInfo Info, Prediction[] Predictions, Sample[] Samples) Read(JsonElement json)
    {
        var categories = json.GetProperty("categories").EnumerateArray().Select(id => id.GetInt32()).ToList();
        var (predictions, samples) = (new List<Prediction>(), new List<Sample>());
        foreach (var image in json.GetProperty("images").EnumerateArray().Select(id => id.GetInt64()))
        {
            var truth = json.GetProperty("annotations").EnumerateArray().Where(entry => entry[1].GetInt64() == image).ToArray();
            var found = json.GetProperty("results").EnumerateArray().Where(entry => entry[0].GetInt64() == image).ToArray();
            bool[] crowd = [.. truth.Select(entry => entry[5].GetInt32() == 1)];
            samples.Add(
                new Sample
                {
                    Index = samples.Count,
                    Name = $"{image}",
                    ImageId = image,
                    Truth =
                    {
                        BoxAnnotation = new BoxAnnotation(
                            [.. truth.SelectMany(entry => Numbers(entry[3]))],
                            Labels(truth, 2),
                            [.. truth.Select(entry => entry[4].GetDouble())],
                            crowd,
                            crowd
                        ),
                    },
                }
            );
            double[] boxes = [.. found.SelectMany(entry => Numbers(entry[2]))];
            double[] scores = [.. found.Select(entry => entry[3].GetDouble())];
            float[] corners = [.. boxes.Select((value, i) => (float)(i % 4 < 2 ? value : value + boxes[i - 2]))];
            predictions.Add(
                new DetectionPrediction(corners, Array.ConvertAll(scores, score => (float)score), Labels(found, 1))
                {
                    Stated = (boxes, scores),
                }
            );
        }
        return (new DataInfo([.. categories.Select(id => $"c{id}")], DataTask.Detection), [.. predictions], [.. samples]);

        static IEnumerable<double> Numbers(JsonElement list) => list.EnumerateArray().Select(value => value.GetDouble());

        int[] Labels(JsonElement[] entries, int at) => [.. entries.Select(entry => categories.IndexOf(entry[at].GetInt32()))];
    }
}
