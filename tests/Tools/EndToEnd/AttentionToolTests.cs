using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using Tessera.Datasets.Images;
using Tessera.Explaining;
using Tessera.Framework.Data;
using Tessera.Models.Explanation.Attention;
using Tessera.Tests.Tools.Output;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>tools/attention, and AttentionReader from C#.</summary>
[Collection(InProcess.Name)]
public sealed class AttentionToolTests(AttentionToolTests.Networks networks) : IClassFixture<AttentionToolTests.Networks>
{
    /// <summary>A vision transformer with a class token, a pyramid with windows, and a network without attention, each trained for a few
    /// steps.</summary>
    public sealed class Networks : IDisposable
    {
        private readonly Dictionary<string, string> _checkpoints = [];

        public Networks()
        {
            ImagePath = Path.Combine(Folder, "shape.png");
            File.WriteAllBytes(ImagePath, TinyRun.Png(3));
            File.WriteAllText(Path.Combine(Folder, "tiny.json"), TinyRun.Config);
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-attention").FullName;

        public string ImagePath { get; }

        public string Vit =>
            Trained(
                "vit",
                """{ "type": "VisionTransformer", "image_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 3 }"""
            );

        public string Swin =>
            Trained("swin", """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [3, 3], "window_size": 3 }""");

        public string ResNet => Trained("resnet", """{ "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 8 }""");

        private string Trained(string name, string backbone)
        {
            if (_checkpoints.TryGetValue(name, out var known))
                return known;
            var folder = Path.Combine(Folder, name);
            var model =
                $$"""model={ "_delete_": true, "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""";
            string[] changes = [model, "train.epochs=1", "train.dataset.count=32", "test=null", "val.dataset.count=4", "hooks.ema=null"];
            Tool.Run(["train", Path.Combine(Folder, "tiny.json"), "--work-dir", folder, "--cfg-options", .. changes]).Succeeds();
            return _checkpoints[name] = Path.Combine(folder, "epoch_1.safetensors");
        }

        public string New() => Directory.CreateDirectory(Path.Combine(Folder, Guid.NewGuid().ToString("N"))).FullName;

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }

    [Fact]
    public void Output_IsAsWritten()
    {
        var said = Tool.Run("attention", networks.Vit, networks.ImagePath, "--out-dir", Path.Combine(networks.Folder, "shown"));
        string Marked(string text) => Regex.Replace(Marks.In(text, networks.Folder, numbers: true), @"(?<=shape\.png  )\w+", "CLASS");
        WholeOutput.Match("attention", said.Succeeds(), Marked); // after one epoch the class is chance
    }

    [Fact]
    public void Attention_Vit_WritesSheetsArraysAndTheForegroundWithItsIoU()
    {
        var folder = networks.New();
        var truth = Path.Combine(folder, "truth.png");
        var pixels = new byte[32 * 32];
        Array.Fill(pixels, byte.MaxValue, 0, 512); // the upper half
        File.WriteAllBytes(truth, ImageCodec.EncodePng(new Image(32, 32, 1, PixelType.UInt8, pixels)));
        string[] asked = ["--heads", "each", "--synthesis", "relevance", "--foreground", "1", "--threshold", "mass:0.6", "--truth", truth];
        var said = Tool.Run(["attention", networks.Vit, networks.ImagePath, .. asked, "--out-dir", Path.Combine(folder, "out")]).Succeeds();
        Assert.Matches(@"Seen from the class token. Relevance for \w+, 3 blocks", said.Output);

        string At(params string[] parts) => Path.Combine([folder, "out", .. parts]);
        Assert.True(ImageCodec.Load(At("shape.png")).Width > 600);
        Assert.True(ImageCodec.Load(At("shape.heads.png")).Width > 300);
        for (var i = 0; i < 3; i++)
            Assert.Equal("(3, 4, 4)", Npy(At("shape", $"block_{i:00}.npy")).Shape);
        Assert.Equal("(4, 4)", Npy(At("shape", "synthesis.npy")).Shape);

        var mask = ImageCodec.Load(At("shape", "foreground.png"), new DecodeOptions(ColorType.Unchanged));
        Assert.Equal((32, 32, 1), (mask.Height, mask.Width, mask.Channels));
        // The mask is that of the patches that hold six tenths of the mean of the heads, 8 x 8 pixels each.
        var heads = Npy(At("shape", "block_01.npy")).Values;
        float[] mean = [.. Enumerable.Range(0, 16).Select(i => (heads[i] + heads[16 + i] + heads[32 + i]) / 3)];
        var inside = AttentionForeground.Parse("mass:0.6").Of(mean);
        for (var i = 0; i < mask.Bytes.Length; i++)
            Assert.Equal(inside[(i / 32 / 8 * 4) + (i % 32 / 8)], mask.Bytes[i] == byte.MaxValue);
        var both = mask.Bytes.Zip(pixels).Count(pair => pair is (byte.MaxValue, byte.MaxValue));
        var either = mask.Bytes.Zip(pixels).Count(pair => pair.First + pair.Second > 0);
        Assert.Contains(FormattableString.Invariant($"IoU {(double)both / either:0.0000}"), said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Attention_Swin_SaysWhatAPyramidCanGive_AndTakesSomeBlocks()
    {
        var folder = networks.New();
        var said = Tool.Run(
                "attention",
                networks.Swin,
                networks.ImagePath,
                "--blocks",
                "1,3",
                "--foreground",
                "0",
                "--threshold",
                "otsu",
                "--out-dir",
                folder
            )
            .Succeeds();
        Assert.Contains("Seen from the mean over all places", said.Output, StringComparison.Ordinal);
        Assert.Contains("The network is a pyramid", said.Error, StringComparison.Ordinal);
        Assert.Equal(
            ["block_01.npy", "block_03.npy", "foreground.png", "synthesis.npy"],
            Directory.GetFiles(Path.Combine(folder, "shape")).Select(Path.GetFileName).Order()
        );
        Assert.Equal("(1, 4, 4)", Npy(Path.Combine(folder, "shape", "block_03.npy")).Shape);
        // Of stage 1, though only block 3, of stage 2, is on the coarser grid.
        var synthesis = Npy(Path.Combine(folder, "shape", "synthesis.npy"));
        Assert.Equal("(8, 8)", synthesis.Shape);
        Assert.Equal(1, synthesis.Values.Sum(), 1e-4f);
    }

    [Fact]
    public void Attention_NoAttention_NamesToolsExplain() =>
        Tool.Run("attention", networks.ResNet, networks.ImagePath, "--out-dir", networks.New())
            .IsMistake("ImageClassifier with ResNet", "no attention", "tools/explain");

    [Theory]
    [InlineData(new[] { "--blocks", "1,7" }, "There is no block 7", "3 attention layers, 0 (backbone.blocks.0.attn) to 2")]
    [InlineData(new[] { "--foreground", "-1" }, "There is no block -1", "3 attention layers")]
    [InlineData(new[] { "--blocks", "first" }, "\"first\" is no number of a block", "0,5,11")]
    [InlineData(new[] { "--foreground", "1", "--threshold", "1.5" }, "\"1.5\" is no threshold", "mass:0.6")]
    [InlineData(new[] { "--threshold", "0.5" }, "--foreground BLOCK", "")]
    [InlineData(new[] { "--truth", "x.png" }, "--foreground BLOCK", "")]
    [InlineData(new[] { "--synthesis", "rolout" }, "doesn't know \"rolout\"", "Did you mean \"rollout\"?")]
    [InlineData(new[] { "--heads", "min" }, "doesn't know \"min\"", "mean, max, each")]
    [InlineData(new[] { "--target", "circle" }, "--synthesis relevance", "")]
    [InlineData(
        new[] { "--synthesis", "relevance", "--target", "circel" },
        "There is no class or value \"circel\"",
        "Did you mean \"circle\"?"
    )]
    public void Attention_Mistakes_AreNamed(string[] options, string expected, string remedy) =>
        Tool.Run(["attention", networks.Vit, networks.ImagePath, .. options, "--out-dir", networks.New()]).IsMistake(expected, remedy);

    [Fact]
    public void Attention_TruthOfAnotherSize_SaysBothSizes()
    {
        var truth = Path.Combine(networks.New(), "truth.png");
        File.WriteAllBytes(truth, ImageCodec.EncodePng(new Image(10, 20, 1)));
        Tool.Run("attention", networks.Vit, networks.ImagePath, "--foreground", "0", "--truth", truth, "--out-dir", networks.New())
            .IsMistake("the mask has 20 x 10 pixels", "32 x 32");
    }

    [Fact]
    public void Reader_ManyLooks_AgreeAndLeaveNoTensors()
    {
        using var reader = AttentionReader.Load(networks.Vit, new AttentionReaderOptions { Device = "cpu" });
        Assert.True(reader.HasAttention);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var request = new AttentionRequest
        {
            Synthesis = SynthesisKind.Relevance,
            Target = "circle",
            Foreground = 2,
        };
        var first = reader.Look(networks.ImagePath, request);
        var second = reader.Look(networks.ImagePath, request);
        Assert.Equal("circle", first.Target);
        Assert.Equal(first.Synthesis.Values, second.Synthesis.Values);
        Assert.Contains(true, first.Foreground!);
        Assert.Equal(0, scope.DisposablesCount);
        Assert.All(reader.Model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    private static (string Shape, float[] Values) Npy(string path)
    {
        var bytes = File.ReadAllBytes(path);
        Assert.Equal("NUMPY"u8.ToArray(), bytes[1..6]);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        Assert.Equal(0, (10 + length) % 64);
        var header = Encoding.ASCII.GetString(bytes, 10, length);
        Assert.Contains("'descr': '<f4', 'fortran_order': False", header, StringComparison.Ordinal);
        var shape = header.Split("'shape': ")[1].Split(')')[0] + ")";
        return (
            shape.Replace(",)", ")", StringComparison.Ordinal),
            [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan(10 + length))]
        );
    }
}
