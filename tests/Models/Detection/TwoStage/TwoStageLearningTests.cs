using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.TwoStage;

/// <summary>A few steps on two images are enough to find their objects again: losses, targets, decoding and pasting fit together.</summary>
[Collection(ProcessWide.Name)] // draws from libtorch's own generator, which all tests share
public sealed class TwoStageLearningTests
{
    private static readonly float[][] Boxes =
    [
        [6, 6, 30, 34, 36, 10, 60, 42],
        [16, 12, 52, 40],
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Train_TwoImages_FindsTheirBoxesAndMasks(int head)
    {
        manual_seed(1);
        using var model = TwoStageScenes.Small(TwoStageScenes.RoIHeads[head], """{ "score_thr": 0.3 }""");
        using var batch = TwoStageScenes.Images(Boxes);
        using var optimizer = optim.AdamW(model.parameters(), lr: 0.01);
        model.train();
        for (var step = 0; step < 300; step++)
        {
            if (step == 200)
                optimizer.ParamGroups.Single().LearningRate = 0.001; // weights rest while the norms' averages catch up
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            model.Loss(batch, default).Total().backward();
            optimizer.step();
        }
        model.eval();
        using var still = no_grad();
        var found = model.Predict(batch).Cast<DetectionPrediction>().ToArray();
        for (var image = 0; image < 2; image++)
        {
            var truth = batch.Samples[image].Truth;
            for (var box = 0; box < truth.Boxes!.Count; box++)
            {
                var wanted = truth.Boxes.Corners.AsSpan(box * 4, 4).ToArray();
                var best = Enumerable
                    .Range(0, found[image].Scores.Length)
                    .Where(i => found[image].Labels[i] == truth.Boxes.Labels[box])
                    .MaxBy(i => IoU(found[image].Corners.AsSpan(i * 4, 4).ToArray(), wanted));
                Assert.True(IoU(found[image].Corners.AsSpan(best * 4, 4).ToArray(), wanted) > 0.7, $"image {image}, box {box}");
                var (mask, of) = (found[image].Masks![best].ToImage().Bytes, truth.InstanceMasks![box].Bytes);
                var both = mask.Zip(of).Count(pair => pair is (1, 1));
                Assert.True((double)both / mask.Zip(of).Count(pair => pair is not (0, 0)) > 0.6, $"image {image}, mask {box}");
            }
        }
    }

    private static double IoU(float[] a, float[] b)
    {
        var shared = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0])) * Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        return shared / (((a[2] - a[0]) * (a[3] - a[1])) + ((b[2] - b[0]) * (b[3] - b[1])) - shared);
    }
}
