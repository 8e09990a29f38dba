using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Data;

/// <summary>What pycocotools made of masks (tests/Fixtures/metrics/make_masks.py), and masks drawn pixel by pixel.</summary>
internal static class MaskScenes
{
    internal static readonly JsonElement Fixture = FixtureFile.Json("metrics", "masks.json");

    internal static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetDouble())];

    internal static RunLengthMask Decode(string text, int height, int width) =>
        RunLengthText.TryDecode(text, height, width, out var mask, out var fault) ? mask : throw new ArgumentException(fault);

    internal static RunLengthMask Segmentation(JsonElement json, int height, int width)
    {
        if (json.ValueKind == JsonValueKind.Array)
            return PolygonMask.Of([.. json.EnumerateArray().Select(Numbers)], height, width);
        var counts = json.GetProperty("counts");
        return counts.ValueKind == JsonValueKind.String
            ? Decode(counts.GetString()!, height, width)
            : new RunLengthMask(height, width, [.. counts.EnumerateArray().Select(value => value.GetInt32())]);
    }

    /// <summary>A mask whose pixels are inside by chance; also such that are whole or empty.</summary>
    internal static Image Random(Random random, int height, int width)
    {
        var (image, part) = (new Image(height, width, 1), random.Next(5) / 4.0);
        for (var i = 0; i < image.Bytes.Length; i++)
            image.Bytes[i] = random.NextDouble() < part ? (byte)1 : (byte)0;
        return image;
    }

    internal static (DataInfo Info, Prediction[] Predictions, Sample[] Samples) Scene(JsonElement json)
    {
        var categories = json.GetProperty("categories").EnumerateArray().Select(id => id.GetInt32()).ToList();
        var (predictions, samples) = (new List<Prediction>(), new List<Sample>());
        foreach (var image in json.GetProperty("images").EnumerateArray())
        {
            var id = image.GetProperty("id").GetInt64();
            var (height, width) = (image.GetProperty("height").GetInt32(), image.GetProperty("width").GetInt32());
            var truth = Of("annotations");
            var found = Of("results");
            bool[] crowd = [.. truth.Select(entry => entry.GetProperty("iscrowd").GetInt32() == 1)];
            double[] areas = [.. truth.Select(entry => entry.GetProperty("area").GetDouble())];
            samples.Add(
                new Sample
                {
                    Index = samples.Count,
                    Name = $"{id}",
                    ImageId = id,
                    Truth =
                    {
                        BoxAnnotation = new BoxAnnotation(
                            [.. truth.SelectMany(entry => Numbers(entry.GetProperty("bbox")))],
                            Labels(truth),
                            areas,
                            crowd,
                            crowd
                        )
                        {
                            Masks = Masks(truth),
                            MaskAreas = areas,
                        },
                    },
                }
            );
            var masks = Masks(found);
            predictions.Add(
                new DetectionPrediction(
                    [.. masks.SelectMany(mask => mask.Box is var (x, y, w, h) ? (float[])[x, y, x + w, y + h] : [])],
                    [.. found.Select(entry => entry.GetProperty("score").GetSingle())],
                    Labels(found)
                )
                {
                    Masks = masks,
                }
            );

            JsonElement[] Of(string part) =>
                [.. json.GetProperty(part).EnumerateArray().Where(entry => entry.GetProperty("image_id").GetInt64() == id)];
            RunLengthMask[] Masks(JsonElement[] entries) =>
                [.. entries.Select(entry => Segmentation(entry.GetProperty("segmentation"), height, width))];
        }
        return (new DataInfo([.. categories.Select(id => $"c{id}")], DataTask.Detection), [.. predictions], [.. samples]);

        int[] Labels(JsonElement[] entries) =>
            [.. entries.Select(entry => categories.IndexOf(entry.GetProperty("category_id").GetInt32()))];
    }
}
