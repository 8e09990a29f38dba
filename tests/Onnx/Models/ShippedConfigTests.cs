namespace Tessera.Tests.Onnx.Models;

/// <summary>Models of shipped configs. This project's program gives the table of all of them: its argument is "parity".</summary>
public sealed class ShippedConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("detr/detr-small_shapes.json")]
    [InlineData("rtdetr/rtdetr-small_shapes.json")]
    [InlineData("retinanet/retinanet-small_shapes.json")]
    [InlineData("swin/swin-tiny_shapes.json")]
    [InlineData("mask_rcnn/mask_rcnn-small_shapes.json")]
    public void Model_EqualsLibTorch_OrIsRefusedForAReason(string config)
    {
        var (difference, text) = ShippedConfigs.Parity(config, _folder.File("model.onnx"));
        if (difference is null && config.Contains("_rcnn/", StringComparison.Ordinal))
            Assert.Contains("its second stage looks at other regions in each image", text, StringComparison.Ordinal);
        else if (difference is null)
            Assert.True(
                config.StartsWith("nts-net/nts", StringComparison.Ordinal)
                    || config.StartsWith("gan/", StringComparison.Ordinal)
                    || config.StartsWith("diffusion/", StringComparison.Ordinal),
                text
            );
        else
            Assert.True(difference <= 1e-4, text);
    }
}
