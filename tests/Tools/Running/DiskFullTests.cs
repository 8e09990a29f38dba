using System.Diagnostics;
using Tessera.Framework.Checkpoints;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Running;

/// <summary>No room for a checkpoint: the run ends with one message, and what was saved before is whole.</summary>
public sealed class DiskFullTests
{
    [Fact]
    public void Train_WithoutRoom_KeepsWhatWasSaved_AndGoesOnOnceThereIsRoom()
    {
        using var run = new TrainingRun();
        var config = run.Write("tiny.json", TinyRun.Config);
        run.Finish(run.Start(config, run.At("whole")));
        var workDir = run.At("run");
        run.Finish(run.Start(config, workDir, more: ["--cfg-options", "train.epochs=1"]));
        var before = File.ReadAllBytes(Path.Combine(workDir, "epoch_1.safetensors"));

        // blocks of 1,024 bytes; a checkpoint takes more
        var said = Limited(1000, "train", config, "--work-dir", workDir, "--device", "cpu", "--resume");
        Assert.True(said.Code == 1, said.All);
        Assert.Contains("epoch_2.safetensors\n  The disk is full: the file needs about ", said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said.All, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(workDir, "epoch_1.safetensors")));
        Assert.Equal("epoch_1.safetensors", File.ReadAllText(Path.Combine(workDir, "last_checkpoint")).Trim());
        Assert.Empty(Directory.EnumerateFiles(workDir, "*.tmp"));

        run.Finish(run.Start(config, workDir, resume: true));
        Assert.Equal(TrainingRun.Losses(run.At("whole")), TrainingRun.Losses(workDir));
        using var last = Checkpoint.Open(Path.Combine(workDir, "epoch_2.safetensors"));
        Assert.Equal(8, last.Info.Iteration);
    }

    [Fact]
    public void Publish_WithoutRoom_LeavesTheOldFile()
    {
        using var run = new TrainingRun();
        var config = run.Write("tiny.json", TinyRun.Config);
        run.Finish(run.Start(config, run.At("run"), more: ["--cfg-options", "train.epochs=1"]));
        var output = run.Write("out.safetensors", "the old file");
        var said = Limited(100, "publish", run.At("run", "epoch_1.safetensors"), output);
        Assert.True(said.Code == 1, said.All);
        Assert.Contains("The disk is full", said.Error, StringComparison.Ordinal);
        Assert.Equal("the old file", File.ReadAllText(output));
    }

    /// <summary>No room for libtorch's trace; room for that, and none for the weights of 11 MB.</summary>
    [Theory]
    [InlineData(100, "is the disk of ")]
    [InlineData(6000, "The disk is full")]
    public void Export_WithoutRoom_LeavesTheOldFile(int kibibytes, string reason)
    {
        using var run = new TrainingRun();
        var config = run.Write("tiny.json", TinyRun.Config);
        run.Finish(run.Start(config, run.At("run"), more: ["--cfg-options", "train.epochs=1", "model.backbone.base_channels=32"]));
        var output = run.Write("model.onnx", "the old file");
        var said = Limited(kibibytes, "export", run.At("run", "epoch_1.safetensors"), output);
        Assert.True(said.Code == 1, said.All);
        Assert.Contains(reason, said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said.All, StringComparison.Ordinal);
        Assert.Equal("the old file", File.ReadAllText(output));
        Assert.False(File.Exists(output + ".tmp"));
    }

    [Fact]
    public void Report_WithoutRoom_LeavesTheOldPage()
    {
        using var run = new TrainingRun();
        var config = run.Write("tiny.json", TinyRun.Config);
        run.Finish(run.Start(config, run.At("run"), more: ["--cfg-options", "train.epochs=1"]));
        var output = run.Write("report.html", "the old page");
        var said = Limited(20, "report", run.At("run"), "--out", output, "--no-data");
        Assert.True(said.Code == 1, said.All);
        Assert.Contains("The disk is full", said.Error, StringComparison.Ordinal);
        Assert.Equal("the old page", File.ReadAllText(output));
        Assert.False(File.Exists(output + ".tmp"));
    }

    /// <summary>In a process whose files can't grow beyond a size: the kernel refuses writing as it does on a full disk, and needs no root
    /// for it.</summary>
    private static Said Limited(int kibibytes, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"trap '' XFSZ; ulimit -f {kibibytes}; exec dotnet \"$@\"");
        foreach (var argument in (string[])["bash", Path.Combine(AppContext.BaseDirectory, "Tessera.Tools.dll"), .. arguments])
            start.ArgumentList.Add(argument);
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // the runtime's own memory is a file, too, otherwise
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Said(process.ExitCode, output, error.Result);
    }
}
