using Tessera.Framework.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

public sealed class TensorFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_again()
    {
        using var scope = NewDisposeScope();
        var path = _folder.At("scores.safetensors");
        var scores = tensor([0.25f, 0.5f, 1f, 0f]).view(1, 2, 2).to(ScalarType.Float16);
        TensorFile.Write(
            path,
            new Dictionary<string, Tensor>
            {
                ["scores"] = scores,
                ["classes"] = tensor([7L]),
                ["labels"] = empty(0, dtype: ScalarType.Byte),
            },
            new Dictionary<string, string> { ["method"] = "Grad-CAM" }
        );
        using var file = WeightsFile.Open(path);
        Assert.Equal("Grad-CAM", file.Metadata["method"]);
        using var read = file.Read("scores");
        Assert.True(read.Equals(scores));
        Assert.Equal([1, 2, 2], file.Tensors["scores"].Shape);
        using var classes = file.Read("classes");
        Assert.Equal(7, classes.item<long>());
        Assert.Equal([0L], file.Tensors["labels"].Shape);
        Assert.Equal([path], Directory.GetFiles(_folder.Path)); // nothing is left beside it
    }
}
