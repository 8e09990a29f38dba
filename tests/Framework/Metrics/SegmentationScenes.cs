using System.Runtime.InteropServices;
using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>Maps for metrics, by hand and from the fixture.</summary>
internal static class SegmentationScenes
{
    internal static readonly JsonElement Fixture = FixtureFile.Json("metrics", "segmentation.json");

    internal static string Mistake((Image Truth, Image Predicted) pair) =>
        Assert.Throws<UserErrorException>(() => Run(3, out _, pair)).Message;

    internal static IReadOnlyDictionary<string, double> Run(
        int classes,
        out MeanIoUMetric metric,
        params (Image Truth, Image Predicted)[] images
    )
    {
        metric = new MeanIoUMetric(new MeanIoUOptions());
        metric.Reset(Info(classes));
        metric.Process(
            [.. images.Select(image => new SegmentationPrediction(image.Predicted))],
            [
                .. images.Select(
                    (image, i) =>
                        new Sample
                        {
                            Index = i,
                            Name = $"sample {i}",
                            Truth = { SegmentationMap = image.Truth },
                        }
                ),
            ]
        );
        return metric.Compute();
    }

    internal static DataInfo Info(int classes) => new([.. Enumerable.Range(0, classes).Select(c => $"c{c}")], DataTask.Segmentation);

    internal static Image Map(params byte[] values) => new(1, values.Length, 1, PixelType.UInt8, values);

    internal static Image Words(params ushort[] values) =>
        new(1, values.Length, 1, PixelType.UInt16, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    internal static (DataInfo Info, Prediction[] Predictions, Sample[] Samples) Read(int index)
    {
        var fixture = Fixture[index];
        var type = fixture.GetProperty("bits").GetInt32() == 8 ? PixelType.UInt8 : PixelType.UInt16;
        var images = fixture.GetProperty("images").EnumerateArray().ToArray();
        Image Read(JsonElement image, string name) =>
            new(
                image.GetProperty("height").GetInt32(),
                image.GetProperty("width").GetInt32(),
                1,
                type,
                image.GetProperty(name).GetBytesFromBase64()
            );
        return (
            Info(fixture.GetProperty("classes").GetInt32()),
            [.. images.Select(image => new SegmentationPrediction(Read(image, "predicted")))],
            [
                .. images.Select(
                    (image, i) =>
                        new Sample
                        {
                            Index = i,
                            Name = $"sample {i}",
                            Truth = { SegmentationMap = Read(image, "truth") },
                        }
                ),
            ]
        );
    }
}
