using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Onnx.Export;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;
using Tessera.Onnx.Verification;
using Tessera.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Onnx.Files;

/// <summary>What a file holds, what is refused, and that nothing half-written is left.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OpenBatchAndSize_OfAConvolutionalNetwork_HoldAtOtherSizes()
    {
        using var model = Sequential(
            Conv2d(3, 8, 3, stride: 2, padding: 1),
            BatchNorm2d(8),
            ReLU(),
            AdaptiveAvgPool2d(1),
            Flatten(),
            Linear(8, 5)
        );
        model.eval();
        Tensor[] Forward(Tensor x) => [model.call(x)];
        var names = Exported.Write(_folder.File("model.onnx"), model, Forward, [1, 3, 32, 32], OpenSides.Batch | OpenSides.Size);
        foreach (var shape in new long[][] { [1, 3, 32, 32], [3, 3, 40, 24], [2, 3, 17, 93] })
        {
            using var images = randn(shape);
            Assert.True(Exported.Difference(_folder.File("model.onnx"), names, Forward, images) < 1e-4);
        }
    }

    [Fact]
    public void Weights_KeepTheirNames_AndLieOutsideWhereTheyAreLarge()
    {
        using var model = Linear(64, 32);
        var graph = Graph(model, x => [model.call(x.flatten(1))], [1, 1, 8, 8]);
        Assert.Contains(graph.Constants, constant => constant.Name == "weight");
        var files = OnnxFile.Write(graph, _folder.File("large.onnx"), mostInside: 100);
        Assert.Equal([_folder.File("large.onnx"), _folder.File("large.onnx.data")], files);
        using var session = new InferenceSession(files[0]);
        Assert.Single(session.OutputNames);
    }

    [Fact]
    public void ModelThatLooksAtTheImage_IsRefused()
    {
        using var model = Conv2d(3, 4, 3);
        // It cuts out what is brightest.
        var mistake = Assert.Throws<UserErrorException>(() =>
            Graph(model, x => [x.narrow(3, x.flatten().argmax().item<long>() % 5, 3)], [1, 3, 9, 9])
        );
        Assert.Contains("can't be written as one graph", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownOperator_IsNamed_WithModuleAndShapes()
    {
        using var model = Sequential(("odd", new Odd()));
        var mistake = Assert.Throws<UserErrorException>(() => Graph(model, x => [model.call(x)], [2, 3, 4, 4]));
        Assert.Contains("odd: aten::digamma([2, 3, 4, 4])", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SizeDependentTable_IsRefused_WhereTheSizeIsOpen()
    {
        using var model = Conv2d(3, 4, 3);
        var mistake = Assert.Throws<UserErrorException>(() =>
            Graph(
                model,
                x => [x * tensor(Enumerable.Range(0, (int)x.shape[3]).Select(i => (float)(i * i)).ToArray())],
                [1, 3, 8, 8],
                OpenSides.Size
            )
        );
        Assert.Contains("can't be left open", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FolderThatIsNotThere_LeavesNothing()
    {
        var checkpoint = Trained.Checkpoint(_folder, DataTask.Classification);
        using var session = Trained.Open(checkpoint);
        Assert.ThrowsAny<IOException>(() => OnnxExporter.Export(session, _folder.File("none/model.onnx")));
        Assert.False(Directory.Exists(_folder.File("none")));
    }

    [LinuxTheory]
    [InlineData("model.onnx.tmp", long.MaxValue)]
    [InlineData("model.onnx.tmp", 100)]
    [InlineData("model.onnx.data.tmp", 100)]
    public void FullDisk_LeavesTheOlderModel_AndNothingElse(string full, long mostInside)
    {
        using var model = Linear(64, 32);
        var graph = Graph(model, x => [model.call(x.flatten(1))], [1, 1, 8, 8]);
        var path = _folder.File("model.onnx");
        OnnxFile.Write(graph, path, mostInside);
        var before = Files();

        using var other = Linear(64, 32);
        var changed = Graph(other, x => [other.call(x.flatten(1))], [1, 1, 8, 8]);
        var error = Assert.ThrowsAny<IOException>(() => OnnxFile.Write(changed, path, mostInside, Disk));
        Assert.True(AtomicFile.IsFull(error), error.Message);
        Assert.Equal(before, Files());

        string[] Files() =>
            [
                .. Directory
                    .EnumerateFiles(Path.GetDirectoryName(path)!)
                    .Order(StringComparer.Ordinal)
                    .Select(file => Path.GetFileName(file) + " " + Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))),
            ];
        // The kernel's own "no space left on device".
        Stream Disk(string file) =>
            Path.GetFileName(file) == full
                ? new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 1)
                : new FileStream(file, FileMode.Create, FileAccess.ReadWrite);
    }

    [Fact]
    public void OptionsThatCantBe_AreTold()
    {
        var checkpoint = Trained.Checkpoint(_folder, DataTask.Classification);
        using var session = Trained.Open(checkpoint);
        string Told(OnnxExportOptions options) =>
            Assert.Throws<UserErrorException>(() => OnnxExporter.Export(session, _folder.File("model.onnx"), options)).Message;
        Assert.Contains("Opset 7 is not written", Told(new() { Opset = 7 }), StringComparison.Ordinal);
        Assert.Contains("backbone.layer1", Told(new() { Taps = ["backbone.layr1"] }), StringComparison.Ordinal);
        Assert.Contains(
            "opset of",
            Told(new() { WithPreprocessing = true }).Replace("to be of opset", "opset of", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.False(File.Exists(_folder.File("model.onnx")));
    }

    [Theory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.Segmentation)]
    [InlineData(DataTask.Detection)]
    public void Verification_OfTheSameModel_FindsNothing_AndOfAnother_Does(DataTask task)
    {
        var checkpoint = Trained.Checkpoint(_folder, task);
        using var session = Trained.Open(checkpoint);
        var options = new OnnxExportOptions { WithPostprocessing = task == DataTask.Detection };
        options = options with { Taps = OnnxVerifier.Stages(session, options) };
        Assert.Contains("backbone.layer4", options.Taps);
        OnnxExporter.Export(session, _folder.File("model.onnx"), options);
        Func<Sample>[] images =
        [
            () => PredictionInput.InMemory(0, Trained.Picture(90, 70)),
            () => PredictionInput.InMemory(1, Trained.Picture(40, 50)),
        ];
        var stages = new OnnxVerifier(session, options).Verify(_folder.File("model.onnx"), images);
        Assert.True(stages.Count > options.Taps.Count);
        Assert.All(stages, stage => Assert.True(stage.IsEqual, $"{stage.Name}: {stage.Relative}"));

        using (no_grad())
            session.Model.named_parameters().First(entry => entry.name.Contains("layer2", StringComparison.Ordinal)).parameter.add_(0.1);
        var changed = new OnnxVerifier(session, options).Verify(_folder.File("model.onnx"), images);
        Assert.False(changed.Single(stage => stage.Name == "tap:backbone.layer3").IsEqual);
        Assert.True(changed.Single(stage => stage.Name == "tap:backbone.layer1").IsEqual);
    }

    [Fact]
    public void Verification_WithImagesLargerThanTheFile_IsToldWithBothSizes()
    {
        var checkpoint = Trained.Checkpoint(_folder, DataTask.Classification); // whose pipeline makes 96 x 64
        using var session = Trained.Open(checkpoint);
        var options = new OnnxExportOptions { Size = (64, 64) };
        OnnxExporter.Export(session, _folder.File("model.onnx"), options);
        var mistake = Assert.Throws<UserErrorException>(() =>
            new OnnxVerifier(session, options).Verify(
                _folder.File("model.onnx"),
                [() => PredictionInput.InMemory(0, Trained.Picture(40, 50))]
            )
        );
        Assert.Contains("makes 96 x 64 of it; the exported file takes 64 x 64", mistake.Message, StringComparison.Ordinal);
    }

    private static OnnxModel Graph(nn.Module model, Func<Tensor, Tensor[]> forward, long[] shape, OpenSides open = OpenSides.None)
    {
        var graph = new OnnxModel(18);
        var writer = new GraphWriter(graph);
        graph.Inputs.Add(new OnnxPort(writer.Fresh("images"), OnnxType.Float, [.. shape.Select(side => (object)side)]));
        var program = ModelGraph.Write(writer, "images", model, forward, shape, open);
        foreach (var name in program.Results)
            graph.Outputs.Add(new OnnxPort(name, program.Shapes[name].Type, program.Shapes[name].Sides));
        return graph;
    }

    private sealed class Odd() : Module<Tensor, Tensor>("Odd")
    {
        public override Tensor forward(Tensor x) => x.digamma();
    }
}
