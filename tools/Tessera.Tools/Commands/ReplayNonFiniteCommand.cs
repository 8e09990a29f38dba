using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Tools.Output;
using TorchSharp;

namespace Tessera.Tools.Commands;

/// <summary>Runs again the batch at which a run's loss was not finite.</summary>
internal static class ReplayNonFiniteCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "nonfinite_iter_N.safetensors of the run's work dir: batch, weights and config.",
        };
        var plugins = CommandLine.Plugins();
        var device = CommandLine.Device();
        var command = new Command(
            "replay-nonfinite",
            "Runs again the batch at which a run's loss was NaN or infinite, and names the first module with such an output."
        )
        {
            file,
            plugins,
            device,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetRequiredValue(plugins), parsed.GetValue(device)));
        return command;
    }

    private static int Run(string path, string[] plugins, string? device)
    {
        using var file = NonFiniteFile.Open(path);
        var run =
            file.Run
            ?? throw new UserErrorException(
                $"{path}\n  The file carries no config: an earlier release wrote it. From C#, NonFiniteReplay.Replay(model, path) runs "
                    + $"it again."
            );
        using var session = Session.OfRun(
            run,
            path,
            new SessionOptions
            {
                Device = device ?? "cpu",
                Plugins = plugins,
                Note = ToolConsole.Current.Note,
            }
        );
        var where = session.Device;
        using var model = session.CreateModel(run, path, run.Data);
        var found = file.Replay(model, where);

        var progress = file.Progress;
        var said = new List<(string, string)>
        {
            (
                "run",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"iteration {progress.Iteration} of {progress.TotalIterations}, epoch {progress.Epoch}; {model.GetName()}, "
                        + $"{Counted.Of(run.Data.Classes.Count, "class", "classes")}"
                )
            ),
            ("batch", $"{file.Files.Count} images: {string.Join(", ", file.Files.Take(8))}{(file.Files.Count > 8 ? ", …" : "")}"),
            ("run found", file.Finding),
            ("replayed", $"on {where}: {found.Describe()}"),
        };
        if (!file.HasRandomState)
            said.Add(("note", "the run was on a GPU, whose random numbers (dropout) can't be drawn again."));
        if (file.Precision == torch.ScalarType.Float16 && where.type == DeviceType.CPU)
            said.Add(("note", "the run computed in fp16, which a CPU does not; this was fp32. --device cuda computes as the run did."));
        if (run.Config.Find("distill.teacher") is { } teacher)
            said.Add(("note", $"the run learned from a teacher too ({teacher}); the terms of distill are not computed here."));
        ToolConsole.Current.Fields(said);
        return 0;
    }
}
