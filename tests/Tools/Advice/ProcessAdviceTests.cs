using System.Text.RegularExpressions;
using Tessera.Tests.Tools.Running;

namespace Tessera.Tests.Tools.Advice;

/// <summary>Mistakes about several processes: the command that each message names is run, and trains.</summary>
public sealed partial class ProcessAdviceTests : IDisposable
{
    private const string Config = """
        {
          "threads": 1, "precision": "fp32",
          "model": { "type": "ImageClassifier", "head": { "type": "LinearHead" },
            "backbone": { "type": "VisionTransformer", "embed_dim": 24, "depth": 4, "num_heads": 2, "image_size": 16, "patch_size": 4 } },
          "train": {
            "epochs": 1, "loader": { "batch_size": 8 },
            "dataset": { "type": "Shapes", "count": 16, "size": 16, "pipeline": [ { "type": "Normalize" } ] }
          },
          "optimizer": { "type": "Sgd", "lr": 0.05 }
        }
        """;

    private readonly TrainingRun _run = new();

    public void Dispose() => _run.Dispose();

    [MpiFact]
    public void WorldSizeOnCpus_NamesTheMpiCommand_WhichTrains()
    {
        var config = _run.Write("config.json", Config);
        var torchrun = new Dictionary<string, string>
        {
            ["RANK"] = "0",
            ["WORLD_SIZE"] = "2",
            ["MASTER_ADDR"] = "127.0.0.1",
            ["MASTER_PORT"] = "29511",
        };
        using var process = _run.Start(config, _run.At("torchrun"), environment: torchrun);

        using var mpirun = _run.StartTogether(ProcessesOf(process, "WORLD_SIZE=2 is for GPUs."), config, _run.At("mpirun"));

        _run.Finish(mpirun);
        Assert.True(File.Exists(_run.At("mpirun", "epoch_1.safetensors")));
    }

    [MpiFact]
    public void StagesInOneProcess_NameTheMpiCommand_WhichTrains_AndSoDoesNull()
    {
        var config = _run.Write("config.json", Config);
        string[] stages = ["--cfg-options", "pipeline={ \"stages\": 2, \"micro_batches\": 2 }"];
        using var process = _run.Start(config, _run.At("one"), more: stages);

        using var mpirun = _run.StartTogether(ProcessesOf(process, "or set pipeline to null."), config, _run.At("two"), more: stages);

        _run.Finish(mpirun);
        Assert.True(File.Exists(_run.At("two", "epoch_1.safetensors")));
        using var alone = _run.Start(config, _run.At("alone"), more: [.. stages, "pipeline=null"]);
        _run.Finish(alone);
    }

    /// <summary>How many processes the command starts that a failed run names.</summary>
    private int ProcessesOf(System.Diagnostics.Process failed, string says)
    {
        Assert.True(failed.WaitForExit(TimeSpan.FromSeconds(90)), _run.Output);
        failed.WaitForExit();
        Assert.Equal(1, failed.ExitCode);
        var said = Blanks().Replace(_run.Output, " ");
        Assert.Contains(says, said, StringComparison.Ordinal);
        var command = Command().Match(said);
        Assert.True(command.Success, said);
        return int.Parse(command.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"mpirun -np (\d+) tools/train CONFIG")]
    private static partial Regex Command();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
