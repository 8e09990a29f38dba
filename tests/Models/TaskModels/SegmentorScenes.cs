using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

/// <summary>Small segmentors and batches.</summary>
internal static class SegmentorScenes
{
    internal const string SmallBackbone = """ "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "output_stride": 8 } """;
    internal const string Fcn = """{ "type": "FcnHead", "channels": 6, "num_convs": 1 }""";

    internal static readonly DataInfo _info = Build.Classes(4, DataTask.Segmentation);

    internal static Segmentor Model(string parts) =>
        (Segmentor)Formula.Fill(Build.From<VisionModel>($$"""{ "type": "Segmentor", {{parts}} }""", _info));

    internal static string Throws(string parts) => Assert.Throws<UserErrorException>(() => Model(parts)).Message;

    internal static Batch Batch(int count, int height, int width) =>
        new()
        {
            Images = Formula.Values("images", count, 3, height, width),
            SegmentationMaps = (Formula.Values("images", count, height, width).add(1).mul(2)).floor().clamp(0, 3).to(ScalarType.Int64),
            Samples =
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(i => new Sample
                    {
                        Index = i,
                        Name = $"sample{i}",
                        Geometry = new Geometry(height, width, Matrix3x2.Identity),
                    }),
            ],
        };
}
