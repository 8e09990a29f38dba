using System.Text;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>What users get wrong: one clear message, exit code 1, no stack trace, nothing lost.</summary>
[Collection(InProcess.Name)]
public sealed class BadInputTests(TinyRun run) : IClassFixture<TinyRun>
{
    // Configs.

    [Theory]
    [InlineData("hello", "bad.json:1", "This isn't JSON")]
    [InlineData("{ \"model\": ", "bad.json:1", "This isn't JSON")]
    [InlineData("", "bad.json:1", "The file is empty; a JSON object is expected")]
    [InlineData("[]", "bad.json:1", "object")]
    [InlineData("{ \"_base_\": \"bad.json\" }", "bad.json:1", "The bases go in a circle: ")]
    [InlineData("{ \"_base_\": \"other.json\" }", "bad.json:1", "There is no file ", "other.json.")]
    [InlineData(
        "{ \"_base_\": \"tiny.json\", \"model\": { \"backbone\": { \"type\": \"ResNt\" } } }",
        "bad.json:1  model.backbone.type",
        "No backbone is named \"ResNt\". Did you mean \"ResNet\"?"
    )]
    [InlineData(
        "{ \"_base_\": \"tiny.json\", \"optimizer\": { \"momentun\": 0.9 } }",
        "bad.json:1  optimizer.momentun",
        "Did you mean \"momentum\"?"
    )]
    [InlineData("{ \"_base_\": \"tiny.json\", \"optimizer\": { \"lr\": \"fast\" } }", "bad.json:1  optimizer.lr", "\"fast\"")]
    [InlineData(
        "{ \"_base_\": \"tiny.json\", \"model\": { \"backbone\": { \"depth\": 19 } } }",
        "bad.json:1  model.backbone.depth",
        "18, 34, 50, 101, 152"
    )]
    [InlineData(
        "{ \"_base_\": \"tiny.json\", \"train\": { \"loader\": { \"batch_size\": 0 } } }",
        "bad.json:1  train.loader.batch_size",
        "1"
    )]
    [InlineData("{ \"_base_\": \"tiny.json\", \"train\": { \"epochs\": 0 } }", "train.epochs")]
    [InlineData("{ \"_base_\": \"tiny.json\", \"device\": \"gpu\" }", "\"gpu\"", "cuda")]
    [InlineData("{ \"_base_\": \"tiny.json\", \"model\": null }", "model")]
    [InlineData("{ \"_base_\": \"tiny.json\", \"train\": { \"freeze\": [\"decode_head\"] } }", "train.freeze", "decode_head")]
    [InlineData("{ \"_base_\": \"tiny.json\", \"plugins\": [\"gone.cs\"] }", "gone.cs")]
    public void Config_Bad_IsToldWhereAndWhat(string text, params string[] parts)
    {
        var folder = run.New();
        File.Copy(run.ConfigPath, Path.Combine(folder, "tiny.json"));
        var path = Path.Combine(folder, "bad.json");
        File.WriteAllText(path, text);
        Tool.Run("train", path, "--work-dir", Path.Combine(folder, "run")).IsMistake(parts);
        DoctorEnds(Tool.Run("doctor", path));
        Assert.Empty(Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories));
    }

    [Fact]
    public void Config_Missing_NamesTheNearest() => Tool.Run("train", run.At("tinny.json")).IsMistake("There is no file", "tiny.json");

    [Fact]
    public void Config_CycleOfTwo_ShowsTheChain()
    {
        var folder = run.New();
        File.WriteAllText(Path.Combine(folder, "a.json"), "{ \"_base_\": \"b.json\" }");
        File.WriteAllText(Path.Combine(folder, "b.json"), "{ \"_base_\": \"a.json\" }");
        Tool.Run("train", Path.Combine(folder, "a.json")).IsMistake("b.json:1", "a.json -> ", "b.json -> ");
    }

    [Theory]
    [InlineData(
        "hooks.checkpoint.save_best.metric=acuracy/top1",
        "hooks.checkpoint follows the metric \"acuracy/top1\", which evaluation does not give. Did you mean \"accuracy/top1\"?"
    )]
    [InlineData("train.validate_every=0", "hooks.checkpoint follows the metric \"accuracy/top1\", but nothing is evaluated")]
    [InlineData("hooks.stop={\"type\": \"EarlyStoppingHook\", \"metric\": \"mAP\"}", "hooks.stop follows the metric \"mAP\"")]
    [InlineData(
        "val.metrics={\"map\": {\"type\": \"RegressionErrors\"}}",
        "The metric RegressionErrors is for regression data, the data is for classification."
    )]
    [InlineData(
        "val.dataset.classes=[\"circle\", \"square\"]",
        "val.dataset: its classes are others than those of train.dataset (2 and 10)."
    )]
    [InlineData("train.dataset.count=8", "drop_last leaves nothing: 8 samples", "train.loader.drop_last=true")]
    public void Run_ThatCouldNotEndWell_DoesNotBegin(string change, string expected, params string[] more)
    {
        var workDir = Path.Combine(run.New(), "run");
        var said = Tool.Run(["train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", change, .. more]).IsMistake(expected);
        Assert.DoesNotContain("epoch 1", said.All, StringComparison.Ordinal);
    }

    // Checkpoints.

    [Fact]
    public void Checkpoint_Truncated()
    {
        var path = Path.Combine(run.New(), "cut.safetensors");
        File.WriteAllBytes(path, File.ReadAllBytes(run.Checkpoint)[..^1000]);
        EveryReader(path, "cut.safetensors\n", "cut short");
    }

    [Fact]
    public void Checkpoint_BitFlipped()
    {
        var path = Path.Combine(run.New(), "flipped.safetensors");
        var bytes = File.ReadAllBytes(run.Checkpoint);
        bytes[^5000] ^= 4;
        File.WriteAllBytes(path, bytes);
        EveryReader(path, "flipped.safetensors\n", "damaged");
    }

    [Fact]
    public void Checkpoint_Missing() => EveryReader(run.At("run", "epoch_3.safetensors"), "There is no such file. Did you mean epoch_");

    [Fact]
    public void Checkpoint_FolderWithoutCheckpoints() =>
        EveryReader(Directory.CreateDirectory(run.At("no-checkpoints")).FullName, "This is a folder.");

    [Theory]
    [InlineData("reduce-os-system.zip.pth", "os.system")]
    [InlineData("popen.legacy.pth", "subprocess.Popen")]
    public void Checkpoint_Malicious_IsRefusedByName(string name, string what) =>
        Tool.Run("test", run.ConfigPath, FixtureFile.At("checkpoints", "bad", name))
            .IsMistake(name, $"asks for {what}", "nothing was executed");

    [Fact]
    public void Checkpoint_OfAnotherArchitecture_SaysHowItDiffers() =>
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--cfg-options", "model.backbone.depth=34")
            .IsMistake("of another architecture", "model.backbone.depth");

    [Fact]
    public void Checkpoint_OfOtherClasses_SaysWhich() =>
        Tool.Run("test", run.ConfigPath, run.Checkpoint, "--cfg-options", "test.dataset.classes=[\"circle\", \"square\"]")
            .IsMistake("The checkpoint knows 10 classes", "the data has 2 (circle, square)");

    [Fact]
    public void Checkpoint_OfAForeignProject_HasNoConfigToPredictWith() =>
        Tool.Run("predict", FixtureFile.At("checkpoints", "cifar8.th"), FixtureFile.At("images", "baseline.jpg"))
            .IsMistake("no checkpoint of a Tessera run");

    [Fact]
    public void Resume_WithAnotherModel_ChangesNothing()
    {
        var workDir = Path.Combine(run.New(), "run");
        Directory.CreateDirectory(workDir);
        File.Copy(run.Checkpoint, Path.Combine(workDir, "epoch_2.safetensors"));
        File.WriteAllText(Path.Combine(workDir, "last_checkpoint"), "epoch_2.safetensors\n");
        Tool.Run(
                "train",
                run.ConfigPath,
                "--work-dir",
                workDir,
                "--resume",
                "--cfg-options",
                "model.backbone.base_channels=16",
                "train.epochs=3"
            )
            .IsMistake("epoch_2.safetensors\n  The checkpoint can't be resumed: its backbone.");
        Assert.Equal(File.ReadAllBytes(run.Checkpoint), File.ReadAllBytes(Path.Combine(workDir, "epoch_2.safetensors")));
    }

    [Fact]
    public void Checkpoint_OfACleverConfig_StoresNoValueOfTheEnvironment()
    {
        var workDir = Path.Combine(run.New(), "run");
        const string secret = "hunter2-not-to-be-stored";
        Environment.SetEnvironmentVariable("TESSERA_TEST_SECRET", secret);
        try
        {
            Environment.SetEnvironmentVariable("TESSERA_TEST_BATCH", "16");
            Tool.Run(
                    "train",
                    run.ConfigPath,
                    "--work-dir",
                    workDir,
                    "--cfg-options",
                    "vars.token=${env:TESSERA_TEST_SECRET}",
                    "train.loader.batch_size=${env:TESSERA_TEST_BATCH}",
                    "train.epochs=1"
                )
                .Succeeds();
            foreach (var file in Directory.EnumerateFiles(workDir, "*", SearchOption.AllDirectories))
                Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) < 0, file);
            using var checkpoint = Checkpoint.Open(Path.Combine(workDir, "epoch_1.safetensors"));
            Assert.Equal(
                "${env:TESSERA_TEST_SECRET}",
                (checkpoint.Info.Config.Merged["vars"] as ConfigMap)?["token"] is ConfigValue token ? token.Text : null
            );
        }
        finally
        {
            Environment.SetEnvironmentVariable("TESSERA_TEST_SECRET", null);
            Environment.SetEnvironmentVariable("TESSERA_TEST_BATCH", null);
        }
        var path = Path.Combine(run.New(), "one.png");
        File.WriteAllBytes(path, TinyRun.Png(0));
        Tool.Run("predict", Path.Combine(workDir, "epoch_1.safetensors"), path).Succeeds(); // where neither is set
    }

    // Images.

    public static TheoryData<string, string> BadImages() =>
        new()
        {
            { "cut.jpg", "truncated" },
            { "empty.jpg", " empty" },
            { "text.jpg", "not an image that can be read; it begins with the text \"hello" },
            { "huge.jpg", "50,000 x 50,000 pixels" },
            { "gif.jpg", "GIF files can't be read" },
            { "missing.jpg", "there is no such file or folder" },
        };

    [Theory]
    [MemberData(nameof(BadImages))]
    public void Image_Bad_IsOneMessage(string name, string expected)
    {
        var path = Write(run.New(), name);
        var output = Path.Combine(run.New(), "out");
        var said = Tool.Run("predict", run.Checkpoint, path, "--out-dir", output).IsMistake(name, expected);
        Assert.Single(said.Error.TrimEnd().Split('\n'));
        Assert.Empty(Directory.Exists(output) ? Directory.EnumerateFiles(output) : []);
    }

    [Fact]
    public void Images_AllBad_WriteNothing()
    {
        var folder = run.New();
        foreach (var name in new[] { "cut.jpg", "empty.jpg" })
            Write(folder, name);
        var output = Path.Combine(run.New(), "out");
        Tool.Run("predict", run.Checkpoint, folder, "--out-dir", output).IsMistake("None of its 2 images can be read", "cut.jpg");
        Assert.Empty(Directory.EnumerateFiles(output));
    }

    [Fact]
    public void Images_EmptyFolder() => Tool.Run("predict", run.Checkpoint, run.New()).IsMistake("the folder has no images");

    [Theory]
    [MemberData(nameof(BadImages))]
    public void TrainingImage_Bad_IsNamed_OrLeftOut(string name, string expected)
    {
        if (name == "missing.jpg")
            return;
        var folder = Data(run.New());
        var bad = Write(Path.Combine(folder, "circle"), name);
        string[] changes = ImageFolder(folder);
        Tool.Run(["train", run.ConfigPath, "--work-dir", Path.Combine(run.New(), "run"), "--cfg-options", .. changes])
            .IsMistake(bad, expected);
        Assert.Contains(
            expected,
            DoctorEnds(Tool.Run(["doctor", run.ConfigPath, "--cfg-options", .. changes])).All,
            StringComparison.Ordinal
        );
        Tool.Run([
                "train",
                run.ConfigPath,
                "--work-dir",
                Path.Combine(run.New(), "run"),
                "--cfg-options",
                .. changes,
                "train.loader.on_bad_sample=skip",
            ])
            .Succeeds();
    }

    [Fact]
    public void TrainingFolder_Empty() =>
        Tool.Run(["train", run.ConfigPath, "--work-dir", Path.Combine(run.New(), "run"), "--cfg-options", .. ImageFolder(run.New())])
            .IsMistake("is empty: ImageFolder finds no files in it");

    [Fact]
    public void Labels_OutOfRange_NameTheLine()
    {
        var folder = Data(run.New());
        var list = Path.Combine(folder, "list.csv");
        File.WriteAllText(list, "image,label\ncircle/0.png,0\nsquare/0.png,7\n");
        Tool.Run(
                "train",
                run.ConfigPath,
                "--work-dir",
                Path.Combine(run.New(), "run"),
                "--cfg-options",
                $"train.dataset={{\"_delete_\": true, \"type\": \"ImageList\", \"path\": \"{list}\", \"classes\": [\"circle\", "
                    + $"\"square\"], \"pipeline\": [{{\"type\": \"LoadImage\"}}, {{\"type\": \"Normalize\"}}]}}",
                "val=null",
                "test=null",
                "hooks.checkpoint.save_best=null"
            )
            .IsMistake("list.csv", "7");
    }

    // Losses.

    [Fact]
    public void Loss_NotFinite_StopsTheRun_AndTheCheckpointsBeforeItAreGood()
    {
        var workDir = Path.Combine(run.New(), "run");
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--cfg-options", "train.epochs=1").Succeeds();
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--resume", "--cfg-options", "optimizer.lr=1e6", "train.epochs=3")
            .IsMistake("The loss is not finite at iteration", "shapes/train/", "nonfinite_iter_");
        Assert.Equal("epoch_1.safetensors", File.ReadAllText(Path.Combine(workDir, "last_checkpoint")).Trim());
        Tool.Run("train", run.ConfigPath, "--work-dir", workDir, "--resume").Succeeds();
        Assert.Equal(Running.TrainingRun.Losses(run.At("run")), Running.TrainingRun.Losses(workDir));
    }

    /// <summary>Whatever the fault, doctor tells of it and never breaks off.</summary>
    private static Said DoctorEnds(Said said)
    {
        Assert.True(said.Code is 0 or 1, said.All);
        Assert.DoesNotContain("Exception", said.All, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", said.All, StringComparison.Ordinal);
        return said;
    }

    private void EveryReader(string checkpoint, params string[] parts)
    {
        var image = FixtureFile.At("images", "baseline.jpg");
        Tool.Run("test", run.ConfigPath, checkpoint).IsMistake(parts);
        Tool.Run("predict", checkpoint, image).IsMistake(parts);
        var output = Path.Combine(run.New(), "out.safetensors");
        Tool.Run("publish", checkpoint, output).IsMistake(parts);
        Assert.False(File.Exists(output));
    }

    private static string Write(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        if (name == "missing.jpg")
            return path;
        File.WriteAllBytes(
            path,
            name switch
            {
                "cut.jpg" => File.ReadAllBytes(FixtureFile.At("images", "baseline.jpg"))[..^400],
                "empty.jpg" => [],
                "text.jpg" => Encoding.ASCII.GetBytes("hello, this is no picture"),
                "gif.jpg" => [.. "GIF89a"u8, 1, 0, 1, 0, 0, 0, 0],
                _ => Huge(),
            }
        );
        return path;
    }

    /// <summary>A JPEG whose header says 50,000 x 50,000.</summary>
    private static byte[] Huge()
    {
        var jpeg = File.ReadAllBytes(FixtureFile.At("images", "baseline.jpg"));
        var frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        for (var at = 5; at <= 8; at += 2)
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + at), 50_000);
        return jpeg;
    }

    private static string Data(string folder)
    {
        foreach (var name in new[] { "circle", "square" })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            for (var i = 0; i < 8; i++)
                File.WriteAllBytes(Path.Combine(folder, name, $"{i}.png"), TinyRun.Png(i));
        }
        return folder;
    }

    private static string[] ImageFolder(string folder) =>
        [
            $"train.dataset={{\"_delete_\": true, \"type\": \"ImageFolder\", \"path\": \"{folder}\", \"pipeline\": [{{\"type\": "
                + $"\"LoadImage\"}}, {{\"type\": \"Resize\", \"size\": [32, 32]}}, {{\"type\": \"Normalize\"}}]}}",
            "train.loader.batch_size=4",
            "train.epochs=1",
            "val=null",
            "test=null",
            "hooks.checkpoint=null",
        ];
}
