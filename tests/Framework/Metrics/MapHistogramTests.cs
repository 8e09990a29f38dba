using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using static Tessera.Tests.Framework.Metrics.SegmentationScenes;

namespace Tessera.Tests.Framework.Metrics;

public sealed class MapHistogramTests
{
    [Fact]
    public void Process_RandomMapsOfAllLengths_EqualsTheObviousLoop()
    {
        var random = new Random(1);
        for (var length = 1; length < 130; length += 3)
        {
            var (truth, predicted) = (Image(length), Image(length));
            var expected = new long[5, 5];
            for (var i = 0; i < length; i++)
                if (truth.Bytes[i] < 5)
                    expected[truth.Bytes[i], predicted.Bytes[i]]++;
            var metric = new ConfusionMatrixMetric(new ConfusionMatrixOptions());
            metric.Reset(Info(5));
            metric.Process(
                [new SegmentationPrediction(predicted)],
                [
                    new Sample
                    {
                        Index = 0,
                        Name = "s",
                        Truth = { SegmentationMap = truth },
                    },
                ]
            );
            Assert.Equal(expected, metric.Counts);
        }

        Image Image(int length)
        {
            var bytes = new byte[length];
            for (var i = 0; i < length; )
            {
                var (value, end) = ((byte)random.Next(5), Math.Min(length, i + random.Next(1, 60)));
                while (i < end)
                    bytes[i++] = value;
            }
            return new Image(1, length, 1, PixelType.UInt8, bytes);
        }
    }

    [Fact]
    public void Process_ValuesThatAreNoClass_NameFileValueAndPixels()
    {
        Assert.Equal(
            "sample 0: 2 pixels of its segmentation map have the value 7; the data has 3 classes, 0 to 2, and 255 is ignored. The data "
                + "set's label_map says what a value stands for.",
            Mistake((Map(0, 7, 7), Map(0, 1, 2)))
        );
        Assert.Equal("sample 0: the model predicts class 3; the data has 3 classes, 0 to 2.", Mistake((Map(0, 0, 0), Map(0, 3, 2))));
        Assert.Equal(
            "sample 0: 1 pixels of its segmentation map have the value 300; the data has 3 classes, 0 to 2, and 255 is ignored. The "
                + "data set's label_map says what a value stands for.",
            Mistake((Words(0, 300), Map(0, 0)))
        );
    }

    [Fact]
    public void Process_OtherSize_NamesFileAndSizes() =>
        Assert.StartsWith(
            "sample 0: its segmentation map is 3 x 1, the prediction 2 x 1.",
            Mistake((Map(0, 0, 0), Map(0, 0))),
            StringComparison.Ordinal
        );

    [Fact]
    public void Process_WithoutTruthOrMap_IsAnError()
    {
        var metric = new MeanIoUMetric(new MeanIoUOptions());
        metric.Reset(Info(3));
        Assert.Throws<UserErrorException>(() =>
            metric.Process([new SegmentationPrediction(Map(0))], [new Sample { Index = 0, Name = "s" }])
        );
        Assert.Throws<UserErrorException>(() =>
            metric.Process(
                [new ClassPrediction([1], 0)],
                [
                    new Sample
                    {
                        Index = 0,
                        Name = "s",
                        Truth = { SegmentationMap = Map(0) },
                    },
                ]
            )
        );
        Assert.Throws<UserErrorException>(() => metric.Reset(new DataInfo(["a"], DataTask.Classification)));
    }

    [Fact]
    public void SixteenBits_255IsAClassWhereThereAreAsMany()
    {
        var values = Run(300, out _, (Words(255, 255, ushort.MaxValue), Words(255, 254, 0)));
        Assert.Equal(0.5, values["IoU/c255"]);
        Assert.Equal(1.0, Run(3, out _, (Words(255, 2), Words(1, 2)))["aAcc"]);
    }
}
