using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>Some steps on two images are enough to find their objects again: matching, losses and decoding fit together.</summary>
[Collection(ProcessWide.Name)] // draws from libtorch's own generator, which all tests share
public sealed class QueryLearningTests
{
    private static readonly float[][] s_boxes =
    [
        [6, 6, 30, 34, 36, 10, 60, 42],
        [16, 12, 52, 40],
    ];

    public static TheoryData<string> Models => ["detr", "rtdetr"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Train_TwoImages_FindsTheirBoxes(string kind)
    {
        manual_seed(1);
        using VisionModel model = kind == "detr" ? QueryScenes.Detr(""" "dropout": 0 """) : QueryScenes.RtDetr();
        using var batch = QueryScenes.Images(s_boxes);
        using var optimizer = optim.AdamW(model.parameters(), lr: 0.003);
        model.train();
        for (var step = 0; step < 400; step++)
        {
            if (step == 300)
                optimizer.ParamGroups.Single().LearningRate = 0.0003; // weights rest while the norms' averages catch up
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            model.Loss(batch, default).Total().backward();
            optimizer.step();
        }
        model.eval();
        using var still = no_grad();
        foreach (var (image, prediction) in model.Predict(batch).Cast<DetectionPrediction>().Index())
        {
            var truth = batch.Samples[image].Truth.Boxes!;
            for (var box = 0; box < truth.Count; box++)
            {
                // The best of each class, of which an image has one object. How the others rank depends on the processor's rounding.
                var best = Array.IndexOf(prediction.Labels, truth.Labels[box]);
                var iou = IoU(prediction.Corners[(best * 4)..((best * 4) + 4)], truth.Corners[(box * 4)..((box * 4) + 4)]);
                Assert.True(iou > 0.75, $"image {image}, box {box}: {iou}");
                Assert.True(prediction.Scores[best] > 0.5, $"image {image}, box {box}: score {prediction.Scores[best]}");
            }
        }
    }

    private static double IoU(float[] a, float[] b)
    {
        var shared = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0])) * Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        return shared / (((a[2] - a[0]) * (a[3] - a[1])) + ((b[2] - b[0]) * (b[3] - b[1])) - shared);
    }
}
