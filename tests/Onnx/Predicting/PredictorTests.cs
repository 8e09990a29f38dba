using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Onnx;
using Tessera.Onnx.Export;

namespace Tessera.Tests.Onnx.Predicting;

/// <summary>What an exported file predicts is what the checkpoint predicts.</summary>
public sealed class PredictorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DataTask.Classification, false)]
    [InlineData(DataTask.Classification, true)]
    [InlineData(DataTask.MultiLabel, false)]
    [InlineData(DataTask.MultiLabel, true)]
    [InlineData(DataTask.Regression, false)]
    public void Numbers_EqualThePredictors(DataTask task, bool finished)
    {
        var (own, file) = Both(task, new OnnxExportOptions { WithPostprocessing = finished });
        Assert.Equal(Numbers(own), Numbers(file), (a, b) => Math.Abs(a - b) <= 1e-4 * Math.Max(1, Math.Abs(a)));

        static float[] Numbers(Prediction prediction) =>
            prediction is ClassPrediction classes ? classes.Scores : ((RegressionPrediction)prediction).Values;
    }

    [Fact]
    public void Map_EqualsThePredictors_ButForTies()
    {
        var (own, file) = Both(DataTask.Segmentation, new OnnxExportOptions());
        var (a, b) = (((SegmentationPrediction)own).Map, ((SegmentationPrediction)file).Map);
        Assert.Equal((a.Height, a.Width, a.Type), (b.Height, b.Width, b.Type));
        Assert.True(a.Bytes.Distinct().Count() > 1, "one class alone tells nothing");
        Assert.True(a.Bytes.Zip(b.Bytes).Count(pair => pair.First != pair.Second) <= a.Bytes.Length / 1000);
    }

    [Theory]
    [InlineData(Trained.Retina)]
    [InlineData(Trained.Fcos)]
    [InlineData(Trained.Atss)]
    [InlineData(Trained.Gfl)]
    [InlineData(Trained.Rtmdet)]
    [InlineData(Trained.Yolox)]
    public void Boxes_AfterSuppression_EqualThePredictors(string head)
    {
        var (own, file) = Both(
            DataTask.Detection,
            new OnnxExportOptions { WithPostprocessing = true },
            Trained.Model(DataTask.Detection, head)
        );
        var (a, b) = ((DetectionPrediction)own, (DetectionPrediction)file);
        Assert.True(a.Scores.Length > 3, $"{a.Scores.Length} boxes");
        Assert.Equal(a.Scores, b.Scores, (x, y) => Math.Abs(x - y) < 1e-4);
        var rest = Enumerable.Range(0, b.Scores.Length).ToList();
        foreach (var box in Enumerable.Range(0, a.Scores.Length)) // scores equal but for rounding stand in either order
        {
            var twin = rest.FindIndex(other =>
                a.Labels[box] == b.Labels[other]
                && Math.Abs(a.Scores[box] - b.Scores[other]) < 1e-4
                && Enumerable.Range(0, 4).All(i => Math.Abs(a.Corners[(4 * box) + i] - b.Corners[(4 * other) + i]) < 1e-2)
            );
            Assert.True(twin >= 0, $"box {box} of {a.Scores.Length}, score {a.Scores[box]}, is not among the file's");
            rest.RemoveAt(twin);
        }
    }

    [Fact]
    public void Preprocessing_InTheGraph_IsThePipelines()
    {
        var (own, file) = Both(
            DataTask.Classification,
            new OnnxExportOptions
            {
                Opset = 18,
                WithPreprocessing = true,
                WithPostprocessing = true,
            }
        );
        Assert.Equal(((ClassPrediction)own).Scores, ((ClassPrediction)file).Scores, (a, b) => Math.Abs(a - b) < 2e-3); // grey levels are rounded twice
    }

    [Fact]
    public void ShorterSideAndCenterCrop_InTheGraph_AreThePipelines()
    {
        var (own, file) = Both(
            DataTask.Classification,
            new OnnxExportOptions { Opset = 18, WithPreprocessing = true },
            pipeline: """{ "type": "Resize", "shorter_side": 72 }, { "type": "CenterCrop", "size": [64, 64] }, { "type": "Normalize" }"""
        );
        Assert.Equal(((ClassPrediction)own).Scores, ((ClassPrediction)file).Scores, (a, b) => Math.Abs(a - b) < 2e-3);
    }

    [Fact]
    public void Facts_TravelInTheFile()
    {
        var checkpoint = Trained.Checkpoint(_folder, DataTask.Classification);
        Export(checkpoint, new OnnxExportOptions());
        using var predictor = OnnxPredictor.Load(_folder.File("model.onnx"));
        Assert.Equal(["circle", "square", "star"], predictor.Data.Classes);
        Assert.Equal(DataTask.Classification, predictor.Data.Task);
        Assert.Equal(64, predictor.ConfigHash.Length);
        var found = predictor.Classify(Trained.Picture(50, 70));
        Assert.Contains(found.Best.Name, predictor.Data.Classes);
        Assert.Throws<InvalidOperationException>(() => predictor.Detect(Trained.Picture(50, 70)));
    }

    [Fact]
    public void FilesBytesAndStreams_ArePredictedAlike()
    {
        var checkpoint = Trained.Checkpoint(_folder, DataTask.Classification);
        Export(checkpoint, new OnnxExportOptions());
        var path = _folder.File("picture.png");
        File.WriteAllBytes(path, ImageCodec.EncodePng(Trained.Picture(50, 70)));
        using var predictor = OnnxPredictor.Load(_folder.File("model.onnx"));
        var expected = ((ClassPrediction)predictor.Predict(Trained.Picture(50, 70))).Scores;
        using var stream = File.OpenRead(path);
        foreach (var found in new[] { predictor.Predict(path), predictor.Predict(File.ReadAllBytes(path)), predictor.Predict(stream) })
            Assert.Equal(expected, ((ClassPrediction)found).Scores);
        var mistake = Assert.Throws<UserErrorException>(() => predictor.Recognize(new byte[] { 1, 2, 3 }, "upload"));
        Assert.Contains("upload", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_AreTold()
    {
        var missing = Assert.Throws<UserErrorException>(() => OnnxPredictor.Load(_folder.File("none.onnx")));
        Assert.Contains("There is no such file", missing.Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.File("text.onnx"), "no model");
        var text = Assert.Throws<UserErrorException>(() => OnnxPredictor.Load(_folder.File("text.onnx")));
        Assert.Contains("ONNX Runtime can't load it", text.Message, StringComparison.Ordinal);
        var checkpoint = Trained.Checkpoint(_folder, DataTask.Detection);
        Export(checkpoint, new OnnxExportOptions());
        var raw = Assert.Throws<UserErrorException>(() => OnnxPredictor.Load(_folder.File("model.onnx")));
        Assert.Contains("with post-processing", raw.Message, StringComparison.Ordinal);
    }

    private (Prediction Own, Prediction File) Both(DataTask task, OnnxExportOptions options, string? model = null, string? pipeline = null)
    {
        var checkpoint = Trained.Checkpoint(_folder, task, model, pipeline);
        Export(checkpoint, options);
        var picture = Trained.Picture(90, 120);
        using var own = Predictor.Load(checkpoint, new PredictorOptions { Device = "cpu" });
        using var file = OnnxPredictor.Load(_folder.File("model.onnx"));
        return (own.Predict(picture), file.Predict(picture));
    }

    private void Export(string checkpoint, OnnxExportOptions options)
    {
        using var session = Trained.Open(checkpoint);
        OnnxExporter.Export(session, _folder.File("model.onnx"), options);
    }
}
