using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

public class CheckpointStoreTests
{
    [Fact]
    public void Save_ThenOpen_GivesBackEverything()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        var path = new CheckpointStore(folder.Path).Save("epoch_3", State(model), Info(model, epoch: 3));
        Assert.Equal(folder.At("epoch_3.safetensors"), path);
        Assert.Equal("epoch_3.safetensors\n", File.ReadAllText(folder.At("last_checkpoint")));
        Assert.Equal(path, new CheckpointStore(folder.Path).Latest);
        Assert.True(Checkpoint.IsCheckpoint(path));

        using var checkpoint = Checkpoint.Open(path);
        Assert.Equal(3, checkpoint.Info.Epoch);
        Assert.Equal(300, checkpoint.Info.Iteration);
        Assert.Equal(["cat", "dog", "ünï \"q\"", "d", "e"], checkpoint.Info.Data.Classes);
        Assert.Equal(DataTask.Classification, checkpoint.Info.Data.Task);
        Assert.Equal("TinyModel", ((ConfigValue)checkpoint.Info.Config.Find("model.type")!).Text);
        Assert.Equal(0.5, checkpoint.Info.Metrics["accuracy/top1"]);
        Assert.True(double.IsNaN(checkpoint.Info.Metrics["f1"]));

        var state = checkpoint.ReadState();
        foreach (var (name, tensor) in model.state_dict())
            Assert.True(tensor.Equals(state.Under("model").Tensor(name)!), name);
        Assert.Equal(7, state.Under("optimizers").Value("step")!.GetValue<int>());
        Assert.Equal([1.5f, 2.5f], state.Under("hooks").Under("ema").Tensor("factors")!.data<float>().ToArray());
    }

    [Fact]
    public void Save_File_FollowsTheSafetensorsFormat()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        var bytes = File.ReadAllBytes(new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model)));

        // The specification, step by step: 8 bytes length, a JSON object that begins with {, tensors without holes to the end.
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        Assert.Equal((byte)'{', bytes[8]);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        var data = bytes.AsSpan(8 + length);
        Assert.Equal(0, (8 + length) % 8);
        var end = 0L;
        foreach (
            var entry in header
                .RootElement.EnumerateObject()
                .Where(entry => entry.Name != "__metadata__")
                .OrderBy(entry => entry.Value.GetProperty("data_offsets")[0].GetInt64())
        )
        {
            Assert.Equal(end, entry.Value.GetProperty("data_offsets")[0].GetInt64());
            end = entry.Value.GetProperty("data_offsets")[1].GetInt64();
            var size = entry.Value.GetProperty("dtype").GetString() switch
            {
                "F32" => 4,
                "I64" => 8,
                "U8" => 1,
                var other => throw new InvalidOperationException(other),
            };
            Assert.Equal(0, entry.Value.GetProperty("data_offsets")[0].GetInt64() % size);
            Assert.Equal(
                end - entry.Value.GetProperty("data_offsets")[0].GetInt64(),
                entry.Value.GetProperty("shape").EnumerateArray().Aggregate((long)size, (p, s) => p * s.GetInt64())
            );
        }
        Assert.Equal(data.Length, end);
        Assert.All(
            header.RootElement.GetProperty("__metadata__").EnumerateObject(),
            entry => Assert.Equal(JsonValueKind.String, entry.Value.ValueKind)
        );

        var weight = header.RootElement.GetProperty("model.backbone.conv1.weight");
        Assert.Equal([4, 3, 3, 3], weight.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()));
        Assert.Equal(
            model.state_dict()["backbone.conv1.weight"].data<float>().First(),
            BinaryPrimitives.ReadSingleLittleEndian(data[weight.GetProperty("data_offsets")[0].GetInt32()..])
        );

        // The seal is the hash of the file with the seal's digits as zeros.
        var seal = header.RootElement.GetProperty("__metadata__").GetProperty("sha256").GetString()!;
        var text = Encoding.Latin1.GetString(bytes);
        Assert.Equal(
            seal,
            Convert.ToHexStringLower(
                SHA256.HashData(Encoding.Latin1.GetBytes(text.Replace(seal, new string('0', 64), StringComparison.Ordinal)))
            )
        );
    }

    [Fact]
    public void Open_AnyBitChanged_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        var path = new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model));
        var whole = File.ReadAllBytes(path);
        for (var at = 0; at < whole.Length; at += 37)
        {
            var changed = (byte[])whole.Clone();
            changed[at] ^= 1;
            File.WriteAllBytes(path, changed);
            Assert.Throws<UserErrorException>(() => Checkpoint.Open(path).Dispose());
        }
    }

    [Fact]
    public void Open_Truncated_SaysSo()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        var path = new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model));
        var whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..^10]);
        Assert.Contains("cut short", Assert.Throws<UserErrorException>(() => Checkpoint.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("good/by-hand.safetensors")]
    [InlineData("good/training.zip.pth")]
    public void Open_ForeignWeights_SaysWhatTheyAreFor(string name)
    {
        var path = FixtureFile.At("checkpoints", name);
        Assert.False(Checkpoint.IsCheckpoint(path));
        Assert.Contains("Pretrained", Assert.Throws<UserErrorException>(() => Checkpoint.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_MoreThanKept_RemovesTheOldestOfThisRunOnly()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        File.WriteAllText(folder.At("epoch_9.safetensors"), "another run's");
        var store = new CheckpointStore(folder.Path, keep: 2);
        for (var epoch = 1; epoch <= 3; epoch++)
            store.Save($"epoch_{epoch}", State(model), Info(model, epoch));
        store.SaveBest("accuracy/top1", State(model), Info(model, 3));
        Assert.Equal(
            ["best_accuracy_top1.safetensors", "epoch_2.safetensors", "epoch_3.safetensors", "epoch_9.safetensors"],
            Files(folder)
        );

        // A resumed run takes them over.
        var resumed = new CheckpointStore(folder.Path, keep: 2);
        using (var checkpoint = Checkpoint.Open(resumed.Latest!))
            resumed.Adopt(checkpoint);
        resumed.Save("epoch_4", State(model), Info(model, 4));
        Assert.Equal(
            ["best_accuracy_top1.safetensors", "epoch_3.safetensors", "epoch_4.safetensors", "epoch_9.safetensors"],
            Files(folder)
        );
    }

    [Fact]
    public void Latest_NamesAMissingFile_ListsTheOthers()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        var store = new CheckpointStore(folder.Path);
        Assert.Null(store.Latest);
        store.Save("epoch_1", State(model), Info(model));
        File.WriteAllText(folder.At("last_checkpoint"), "epoch_2.safetensors\n");
        Assert.Contains("epoch_1.safetensors", Assert.Throws<UserErrorException>(() => store.Latest).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadModel_OtherArchitecture_SaysHowItDiffers()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        using var wider = new TinyModel(width: 8);
        var path = new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model));
        using var checkpoint = Checkpoint.Open(path);
        var config = ConfigDocument.Parse("""{ "model": { "type": "TinyModel", "backbone": { "type": "TinyBackbone", "width": 8 } } }""");
        var message = Assert.Throws<UserErrorException>(() => checkpoint.LoadModel(wider, config: config)).Message;
        Assert.Contains("The checkpoint's model.backbone.width is 4, the config's 8.", message, StringComparison.Ordinal);
        Assert.Contains("backbone.conv1.weight is [4, 3, 3, 3], the model's [8, 3, 3, 3]", message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadModel_Averaged_TakesTheAverageWhereThereIsOne()
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        using var other = new TinyModel();
        var state = State(model);
        using var average = full([4L, 3, 3, 3], 0.25f);
        state.Under("hooks").Under("ema").Under("ema").Write("backbone.conv1.weight", average);
        var path = new CheckpointStore(folder.Path).Save("epoch_1", state, Info(model));
        using var checkpoint = Checkpoint.Open(path);
        Assert.True(checkpoint.HasAveraged);
        checkpoint.LoadModel(other);
        Assert.True(other.state_dict()["backbone.conv1.weight"].Equals(model.state_dict()["backbone.conv1.weight"]));
        checkpoint.LoadModel(other, averaged: true);
        Assert.All(other.state_dict()["backbone.conv1.weight"].data<float>(), value => Assert.Equal(0.25f, value));
        Assert.True(other.state_dict()["head.fc.weight"].Equals(model.state_dict()["head.fc.weight"]));
    }

    [Theory]
    [InlineData("cat,dog", "5 classes")]
    [InlineData("dog,cat,ünï \"q\",d,e", "their order is not")]
    [InlineData("cat,dog,ünï \"q\",d,f", "class 4 is \"e\" there and \"f\" here")]
    public void RequireClasses_Others_SaysWhich(string classes, string expected)
    {
        using var folder = new TemporaryFolder();
        using var model = new TinyModel();
        using var checkpoint = Checkpoint.Open(new CheckpointStore(folder.Path).Save("epoch_1", State(model), Info(model)));
        checkpoint.RequireClasses(Info(model).Data);
        var error = Assert.Throws<UserErrorException>(() =>
            checkpoint.RequireClasses(new DataInfo(classes.Split(','), DataTask.Classification))
        );
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    internal static StateWriter State(TinyModel model)
    {
        var state = new StateWriter();
        foreach (var (name, tensor) in model.state_dict())
            state.Under("model").Write(name, tensor);
        state.Under("optimizers").WriteValue("step", 7);
        state.Under("hooks").Under("ema").Write("factors", tensor(new[] { 1.5f, 2.5f }));
        state.Under("random").Write("cpu", zeros(5, dtype: ScalarType.Byte));
        return state;
    }

    internal static CheckpointInfo Info(TinyModel model, int epoch = 1) =>
        new()
        {
            Config = ConfigDocument.Parse("""{ "model": { "type": "TinyModel", "backbone": { "type": "TinyBackbone", "width": 4 } } }"""),
            Data = new DataInfo(["cat", "dog", "ünï \"q\"", "d", "e"], DataTask.Classification),
            Epoch = epoch,
            Iteration = epoch * 100,
            Metrics = new Dictionary<string, double> { ["accuracy/top1"] = 0.5, ["f1"] = double.NaN },
            PublishedNames = PublishedNames.For(model),
        };

    internal static IEnumerable<string?> Files(TemporaryFolder folder) =>
        Directory.GetFiles(folder.Path, "*.safetensors*").Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
