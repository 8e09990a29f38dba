namespace Tessera.Tests.Onnx.Models;

/// <summary>The models of the shipped configs: with TESSERA_TEST_FULL=1 all, otherwise two.</summary>
public sealed class ShippedConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Configs() =>
        Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") == "1"
            ? [.. ShippedConfigs.All()]
            : ["retinanet/retinanet-small_shapes.json", "swin/swin-tiny_shapes.json"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Configs))]
    public void Model_EqualsLibTorch_OrIsRefusedForAReason(string config)
    {
        var (difference, text) = ShippedConfigs.Parity(config, _folder.File("model.onnx"));
        if (difference is null)
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
