using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>tools/export from a trained checkpoint.</summary>
[Collection(InProcess.Name)]
public sealed class ExportTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    [Theory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.Segmentation)]
    [InlineData(DataTask.Detection)]
    public void Export_Verified_EqualsTheModel(DataTask task)
    {
        var file = runs.At($"{task}.onnx");
        string[] options = ["--size", "64x64", "--with-postprocessing", "--dynamic", "batch", "--verify"];
        var said = Tool.Run(["export", runs.Checkpoint(task), file, .. options]).Succeeds();
        Assert.True(File.Exists(file));
        Assert.Contains("takes images float [batch, 3, 64, 64]", said.Output, StringComparison.Ordinal);
        Assert.Contains("tap:backbone.layer1", said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("differs", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_AreTold_AndNothingIsWritten()
    {
        var checkpoint = runs.Checkpoint(DataTask.Classification);
        var file = runs.At("mistake.onnx");
        Tool.Run("export", checkpoint, file).IsMistake("images of several sizes", "--size HxW");
        Tool.Run("export", checkpoint, file, "--size", "64x64", "--with-preprocessing")
            .IsMistake("must leave the size of the model's input open (tools/export: --dynamic size beside --size HxW)");
        Tool.Run("export", checkpoint, runs.At("open.onnx"), "--size", "64x64", "--with-preprocessing", "--dynamic", "size").Succeeds();
        Tool.Run("export", checkpoint, file, "--dynamic", "bach").IsMistake("batch, size, or batch,size, not \"bach\"", "\"batch\"");
        Tool.Run("export", checkpoint, file, "--size", "64").IsMistake("--size takes a height and a width");
        Tool.Run("export", checkpoint, file, "--size", "64x64", "--taps", "backbone.layr1").IsMistake("no module \"backbone.layr1\"");
        Tool.Run("export", checkpoint, file, "--images", runs.Folder).IsMistake("--verify");
        Tool.Run("export", checkpoint, runs.At("none", "model.onnx")).IsMistake("There is no folder");
        Assert.False(File.Exists(file));
    }
}
