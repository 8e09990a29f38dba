using System.Collections.Concurrent;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Predictions;

/// <summary>A predictor's batches, of which each thread takes a part.</summary>
[Collection(InProcess.Name)]
public sealed class SideBySidePredictionTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    private const int Images = 9; // of three threads one gets more than others

    [Theory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.MultiLabel)]
    [InlineData(DataTask.Regression)]
    [InlineData(DataTask.Segmentation)]
    public void Batch_IsWhatSingleImagesAre_InTheirOrder(DataTask task)
    {
        var before = get_num_threads();
        try
        {
            using var predictor = Predictor.Load(
                runs.Checkpoint(task),
                new PredictorOptions
                {
                    Device = "cpu",
                    BatchSize = Images,
                    Workers = 1,
                }
            );
            set_num_threads(2); // after loading, which sets it, too
            var folder = Directory.CreateDirectory(runs.At($"side-by-side-{task}")).FullName;
            string[] files = [.. Enumerable.Range(0, Images).Select(i => Write(Path.Combine(folder, $"{i}.png"), i))];
            var alone = Array.ConvertAll(files, file => predictor.Predict(file));
            var seen = new ConcurrentBag<(int Thread, long Images)>();
            var first = (nn.Module<Tensor, Tensor>)predictor.Model.named_modules().First(entry => entry.name == "backbone.layer1.0").module;
            var hook = first.register_forward_hook(
                (_, input, output) =>
                {
                    seen.Add((Environment.CurrentManagedThreadId, input.shape[0]));
                    return output;
                }
            );
            var together = predictor.Predict(files).ToArray();
            hook.remove();
            Assert.Equal(files, together.Select(entry => entry.Path));
            for (var i = 0; i < Images; i++)
                AssertSame(alone[i], together[i].Prediction);
            Assert.Equal([4L, 5L], seen.Select(call => call.Images).Order());
            Assert.Equal(2, seen.Select(call => call.Thread).Distinct().Count());
        }
        finally
        {
            set_num_threads(before);
        }
    }

    private static void AssertSame(Prediction expected, Prediction found)
    {
        if (expected is SegmentationPrediction map)
        {
            var (a, b) = (map.Map.Bytes.ToArray(), ((SegmentationPrediction)found).Map.Bytes.ToArray());
            Assert.InRange(a.Zip(b).Count(pair => pair.First != pair.Second), 0, a.Length / 500); // ties that rounding decides
            return;
        }
        var (values, others) = (Values(expected), Values(found));
        Assert.Equal(values.Length, others.Length);
        for (var i = 0; i < values.Length; i++)
            Assert.Equal(values[i], others[i], 1e-4f * Math.Max(1, Math.Abs(values[i])));
    }

    private static float[] Values(Prediction prediction) =>
        prediction is RegressionPrediction numbers ? numbers.Values : ((ClassPrediction)prediction).Scores;

    private static string Write(string path, int seed)
    {
        var image = new Image(64, 64, 3);
        new Random(seed).NextBytes(image.Bytes);
        File.WriteAllBytes(path, ImageCodec.EncodePng(image));
        return path;
    }
}
