using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

public sealed class PublishTests : PretrainedModel
{
    [Theory]
    [InlineData(null, "stem.0.weight", "classifier.weight")]
    [InlineData("plain", "conv1.weight", "fc.weight")]
    [InlineData("own", "backbone.conv1.weight", "head.fc.weight")]
    public void Publish_Names_AreTheReferences(string? names, string convolution, string classifier)
    {
        var checkpoint = new CheckpointStore(_folder.Path).Save(
            "epoch_1",
            CheckpointStoreTests.State(_source),
            CheckpointStoreTests.Info(_source)
        );
        foreach (var extension in new[] { ".safetensors", ".pth" })
        {
            var published = Publisher.Publish(checkpoint, _folder.At("out" + extension), names);
            using var file = WeightsFile.Open(published.Path);
            Assert.Contains(convolution, file.Tensors.Keys);
            Assert.Contains(classifier, file.Tensors.Keys);
            Assert.Equal(_source.state_dict().Count, file.Tensors.Count);
            using var read = file.Read(convolution);
            Assert.True(read.Equals(_source.state_dict()["backbone.conv1.weight"]));
        }
    }

    [Fact]
    public void Publish_ToAFolder_EndsInTheFilesHash()
    {
        var checkpoint = new CheckpointStore(_folder.Path).Save(
            "epoch_1",
            CheckpointStoreTests.State(_source),
            CheckpointStoreTests.Info(_source)
        );
        var published = Publisher.Publish(checkpoint, _folder.At("out") + "/");
        Assert.EndsWith($"-{published.Sha256[..8]}.safetensors", published.Path, StringComparison.Ordinal);
        Assert.Equal(
            published.Sha256,
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(published.Path)))
        );
        Assert.Equal([published.Path], Directory.GetFiles(_folder.At("out")));
        Assert.Contains(
            "It can in: elsewhere, plain, own.",
            Assert.Throws<UserErrorException>(() => Publisher.Publish(checkpoint, _folder.At("x"), "caffe2")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            ".onnx",
            Assert.Throws<UserErrorException>(() => Publisher.Publish(checkpoint, _folder.At("x.onnx"))).Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>Where a PyTorch is at hand it has the last word on .pth; elsewhere our own reader has (above).</summary>
    [Fact]
    public void Publish_Pth_OpensInPyTorch()
    {
        if (!File.Exists("/usr/bin/python3"))
            return;
        var checkpoint = new CheckpointStore(_folder.Path).Save(
            "epoch_1",
            CheckpointStoreTests.State(_source),
            CheckpointStoreTests.Info(_source)
        );
        var published = Publisher.Publish(checkpoint, _folder.At("out.pth"));
        const string script = """
            import sys
            try:
                import torch
            except ImportError:
                print("no torch"); sys.exit()
            state = torch.load(sys.argv[1])
            assert type(state).__name__ == "OrderedDict", type(state)
            assert state["stem.1.num_batches_tracked"].dtype == torch.int64 and state["stem.1.num_batches_tracked"].shape == ()
            print("sum", [str(s) for s in state["stem.0.weight"].shape], float(state["classifier.weight"].double().sum()))
            """;
        var start = new System.Diagnostics.ProcessStartInfo("/usr/bin/python3", ["-c", script, published.Path])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("LD_LIBRARY_PATH");
        using var python = System.Diagnostics.Process.Start(start)!;
        var (output, errors) = (python.StandardOutput.ReadToEnd(), python.StandardError.ReadToEnd());
        python.WaitForExit();
        Assert.True(python.ExitCode == 0, errors);
        if (output.StartsWith("no torch", StringComparison.Ordinal))
            return;
        var sum = _source.state_dict()["head.fc.weight"].to(ScalarType.Float64).sum().item<double>();
        Assert.StartsWith("sum ['4', '3', '3', '3']", output, StringComparison.Ordinal);
        Assert.Equal(
            sum,
            double.Parse(output[(output.IndexOf(']', StringComparison.Ordinal) + 1)..], System.Globalization.CultureInfo.InvariantCulture),
            9
        );
    }
}
