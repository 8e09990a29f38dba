using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Weights published, renamed, without class names, and for other classes: what tools/test and init make of them, and that their
/// advice works.</summary>
[Collection(InProcess.Name)]
public sealed class WeightsFromElsewhereTests(TinyDetector data) : IClassFixture<TinyDetector>
{
    private const string OtherOrder = "[\"star\", \"circle\", \"square\"]";

    private string Config => data.At("config.json");

    [Theory]
    [InlineData("own", ".safetensors")]
    [InlineData("torchvision", ".safetensors")]
    [InlineData("torchvision", ".pth")]
    [InlineData("mmlab", ".pth")]
    public void Test_PublishedDetectorOnClassesInAnotherOrder_MeasuresTheSame(string names, string extension)
    {
        var path = Publish(names, extension);
        var said = Tool.Run("test", Config, path, "--out", data.At("other.json"), "--cfg-options", $"test.dataset.classes={OtherOrder}")
            .Succeeds();
        Assert.Contains("rows are taken by class name: 3 of the data's 3 (star, circle, square)", said.Error, StringComparison.Ordinal);
        Tool.Run(
                "test",
                Config,
                data.Checkpoint,
                "--out",
                data.At("checkpoint.json"),
                "--cfg-options",
                $"test.dataset.classes={OtherOrder}"
            )
            .Succeeds();
        Assert.Equal(Ap("checkpoint.json"), Ap("other.json"), 9);
    }

    [Theory]
    [InlineData("[\"circle\", \"square\", \"star\"]")]
    [InlineData(OtherOrder)]
    public void Init_FromACheckpoint_BeginsWhereItEnded(string classes)
    {
        var folder = Directory.CreateDirectory(data.At(Guid.NewGuid().ToString("N"))).FullName;
        Tool.Run(
                "train",
                Config,
                "--work-dir",
                Path.Combine(folder, "run"),
                "--cfg-options",
                $"model.init={{\"type\": \"Pretrained\", \"checkpoint\": \"{data.Checkpoint}\"}}",
                "optimizer.lr=1e-12",
                "train.iterations=2",
                "hooks.checkpoint.every_iterations=2",
                "model.backbone.norm_eval=true",
                $"train.dataset.classes={classes}",
                $"test.dataset.classes={classes}"
            )
            .Succeeds();
        Tool.Run(
                "test",
                Config,
                Path.Combine(folder, "run", "iter_2.safetensors"),
                "--out",
                data.At("begun.json"),
                "--cfg-options",
                $"test.dataset.classes={classes}",
                "model.backbone.norm_eval=true"
            )
            .Succeeds();
        Tool.Run("test", Config, data.Checkpoint, "--out", data.At("ended.json"), "--cfg-options", $"test.dataset.classes={classes}")
            .Succeeds();
        Assert.Equal(Ap("ended.json"), Ap("begun.json"), 4);
    }

    [Fact]
    public void Test_NoClassNames_SaysSo()
    {
        var said = Tool.Run("test", Config, Renamed("plain", name => name), "--out", data.At("plain.json")).Succeeds();
        Assert.Contains(
            "warning: plain.safetensors carries no class names; the data's 3 are taken, in their order: circle, square, star.",
            said.Error,
            StringComparison.Ordinal
        );
        Assert.Equal(Ap("metrics.json"), Ap("plain.json"), 9);
    }

    [Fact]
    public void Test_NamesThatFitNothing_AdvisesWhatWorks()
    {
        var path = Renamed("odd", name => "odd/" + name);
        Tool.Run("test", Config, path).IsMistake("The weights and the model don't match", "--prefix and --key-map");
        Tool.Run("test", Config, Renamed("none", name => name.Replace('.', '/')))
            .IsMistake("Nothing in the file fits Detector", "--prefix and --key-map");
        Tool.Run("test", Config, path, "--key-map", "^odd/=", "--out", data.At("odd.json")).Succeeds();
        Assert.Equal(Ap("metrics.json"), Ap("odd.json"), 9);
        Tool.Run("test", Config, path, "--prefix", "odd/", "--keys", "own", "--out", data.At("odd.json")).Succeeds();
        Assert.Equal(Ap("metrics.json"), Ap("odd.json"), 9);
        Tool.Run("test", Config, path, "--key-map", "odd").IsMistake("--key-map is \"odd\"; PATTERN=TEXT was expected");
        Tool.Run("test", Config, path, "--key-map", "(=").IsMistake("--key-map", "no regular expression");
        Tool.Run("test", Config, data.Checkpoint, "--prefix", "odd/")
            .IsMistake("--prefix tells how weights from elsewhere are read; this is a checkpoint of Tessera's. Leave it out.");
        Tool.Run("confusion-matrix", Config, path, "--prefix", "odd/", "--out", data.At("matrix.png")).Succeeds();
    }

    [Fact]
    public void Test_SameClassesUnderOtherNames_AdvisesWhatWorks()
    {
        var config = data.At("renamed.json");
        File.WriteAllText(config, File.ReadAllText(Config).Replace("\"circle\"", "\"triangle\"", StringComparison.Ordinal));
        foreach (var path in new[] { data.Checkpoint, Publish("own", ".safetensors") })
        {
            Tool.Run("test", config, path).IsMistake("class 0 is \"circle\" there and \"triangle\" here", "tools/test --classes-in-order");
            Tool.Run("test", config, path, "--classes-in-order").Succeeds();
        }
    }

    private double Ap(string file) => (double)JsonNode.Parse(File.ReadAllText(data.At(file)))!["bbox/AP50"]!;

    private string Publish(string names, string extension)
    {
        var path = data.At(names + extension);
        Tool.Run("publish", data.Checkpoint, path, "--names", names).Succeeds();
        return path;
    }

    /// <summary>The weights in a file without metadata, under other names.</summary>
    private string Renamed(string file, Func<string, string> rename)
    {
        var bytes = File.ReadAllBytes(Publish("own", ".safetensors"));
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var header = JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject();
        var renamed = new JsonObject(
            header
                .Where(entry => entry.Key != "__metadata__")
                .Select(entry => KeyValuePair.Create(rename(entry.Key), entry.Value?.DeepClone()))
        );
        var json = System.Text.Encoding.UTF8.GetBytes(renamed.ToJsonString());
        var path = data.At(file + ".safetensors");
        using var stream = File.Create(path);
        stream.Write(BitConverter.GetBytes((long)json.Length));
        stream.Write(json);
        stream.Write(bytes.AsSpan(8 + length));
        return path;
    }
}
