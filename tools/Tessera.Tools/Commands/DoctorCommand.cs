using System.CommandLine;
using Tessera.Framework.Messages;
using Tessera.Tools.Doctor;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Looks for everything that can be known to go wrong before the first epoch.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var overfit = CommandLine.Option<int?>(
            "--overfit",
            "N",
            "Also: can the model learn N samples by heart, and if not, where does it stop?"
        );
        var minutes = CommandLine.Option<double>("--overfit-minutes", "MINUTES", 5, "Time for that. Default: 5.");
        var device = CommandLine.Device();
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "doctor",
            "Checks a config before the first epoch: provider, data, classes, a batch forward and backward, an evaluation, saving and "
                + "loading."
        )
        {
            config,
            overfit,
            minutes,
            device,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetValue(overfit),
                parsed.GetValue(minutes),
                parsed.GetValue(device),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(string config, int? overfit, double minutes, string? device, string[] overrides)
    {
        var report = new Report();
        using var examination = new Examination(config, new SessionOptions { Device = device, Overrides = overrides }, report);
        examination.Run();
        if (overfit is { } samples && report.Failures == 0)
            report.Try("overfit", () => new Overfit(examination, report, Math.Max(samples, 1), TimeSpan.FromMinutes(minutes)).Run());
        ToolConsole.Current.Line(
            report switch
            {
                { Failures: > 0 } => $"{report.Failures} failed.",
                { Warnings: > 0 } => $"Nothing stands in the way; {Counted.Of(report.Warnings, "warning")}.",
                _ => "All is well.",
            }
        );
        return report.Failures > 0 ? CommandLine.Mistake : 0;
    }
}
