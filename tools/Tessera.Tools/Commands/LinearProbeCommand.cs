using System.CommandLine;
using Tessera.Tools.Transfer;

namespace Tessera.Tools.Commands;

/// <summary>Trains linear heads on features, one for each of many learning rates, and keeps the best.</summary>
internal static class LinearProbeCommand
{
    public static Command Create()
    {
        var arguments = new ProbeArguments();
        var command = new Command("linear-probe", "Trains linear heads on features with many learning rates at once, and keeps the best.");
        arguments.AddTo(command);
        command.SetAction(parsed => ProbeRun.Run(arguments.Read(parsed)));
        return command;
    }
}
