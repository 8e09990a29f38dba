using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Tests.Tools.EndToEnd;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Explaining;

/// <summary>Pictures while a model learns.</summary>
[Collection(InProcess.Name)]
public sealed class ActivationMapHookTests(TinyRun run) : IClassFixture<TinyRun>
{
    // Dropout draws from the generator that the hook must leave alone.
    private const string Dropout = "model.head.dropout=0.3";

    [Fact]
    public void Run_WithTheHook_IsBitIdentical_AndHasPictures()
    {
        var (plain, watched) = (Path.Combine(run.New(), "plain"), Path.Combine(run.New(), "watched"));
        Train(plain);
        Train(
            watched,
            """{"type": "ActivationMapHook", "indices": [0, 5], "methods": ["grad_cam", "random_cam"], "targets": ["labels"]}"""
        );
        Assert.Equal(Losses(plain), Losses(watched));
        using var scope = NewDisposeScope();
        using var one = Session.OfCheckpoint(Path.Combine(plain, "epoch_2.safetensors"), new() { Averaged = false });
        using var other = Session.OfCheckpoint(Path.Combine(watched, "epoch_2.safetensors"), new() { Averaged = false });
        var states = (one.Model.state_dict(), other.Model.state_dict());
        Assert.All(states.Item1, entry => Assert.True(entry.Value.equal(states.Item2[entry.Key]).all().item<bool>(), entry.Key));

        var pictures = Directory.GetFiles(Path.Combine(watched, "maps")).Order().ToArray();
        Assert.Equal(["epoch_0001.png", "epoch_0002.png"], pictures.Select(Path.GetFileName));
        Assert.NotEqual(File.ReadAllBytes(pictures[0]), File.ReadAllBytes(pictures[1]));
        Assert.True(ImageCodec.Load(pictures[0]).Height > ImageCodec.Load(pictures[0]).Width / 2);
        var events = File.ReadAllBytes(Directory.GetFiles(Path.Combine(watched, "tensorboard")).Single());
        Assert.Equal(4, Count(events, "maps/"u8)); // two images, twice
        Assert.False(Directory.Exists(Path.Combine(plain, "maps")));
    }

    [Fact]
    public void EveryEpochs_IsKept()
    {
        var workDir = Path.Combine(run.New(), "run");
        Train(workDir, """{"type": "ActivationMapHook", "every_epochs": 2}""");
        Assert.Equal(["epoch_0002.png"], Directory.GetFiles(Path.Combine(workDir, "maps")).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("\"methods\": [\"grad_can\"]", "Did you mean \"grad_cam\"?")]
    [InlineData("\"targets\": [\"circel\"]", "Did you mean \"circle\"?")]
    [InlineData("\"layers\": [\"backbone.layer5\"]", "no layer \"backbone.layer5\"")]
    [InlineData("\"indices\": [99]", "there is no sample 99 in val, which has 20")]
    [InlineData("\"images\": [\"/nowhere/cat.jpg\"]", "cat.jpg")]
    [InlineData("\"every_epochs\": 0", "every_epochs")]
    public void Mistake_IsToldBeforeTheFirstEpoch(string option, params string[] parts)
    {
        var workDir = Path.Combine(run.New(), "run");
        Tool.Run(Arguments(workDir, $$"""{"type": "ActivationMapHook", {{option}}}""")).IsMistake(parts);
        Assert.Empty(Directory.Exists(workDir) ? Directory.GetFiles(workDir, "*.safetensors") : []);
    }

    private void Train(string workDir, string? hook = null) => Tool.Run(Arguments(workDir, hook)).Succeeds();

    private string[] Arguments(string workDir, string? hook) =>
        ["train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", Dropout, .. hook is null ? (string[])[] : [$"hooks.maps={hook}"]];

    private static string[] Losses(string workDir) =>
        [
            .. File.ReadAllLines(Directory.GetFiles(workDir, "scalars.jsonl", SearchOption.AllDirectories).Single())
                .Select(line => JsonNode.Parse(line)!.AsObject())
                .Select(line => $"{line["kind"]} {line["iteration"]} {line["loss"]} {line["accuracy/top1"]}"),
        ];

    private static int Count(byte[] bytes, ReadOnlySpan<byte> wanted)
    {
        var count = 0;
        for (ReadOnlySpan<byte> rest = bytes; rest.IndexOf(wanted) is >= 0 and var at; rest = rest[(at + wanted.Length)..])
            count++;
        return count;
    }
}
