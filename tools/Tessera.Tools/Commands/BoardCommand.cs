using System.CommandLine;
using System.Runtime.InteropServices;
using Tessera.Framework.Errors;
using Tessera.Tools.Boards;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Shows runs in a browser while they train.</summary>
internal static class BoardCommand
{
    public static Command Create()
    {
        var folders = new Argument<string[]>("WORK_DIR…")
        {
            Description = "Work dirs, or folders that hold some; runs that begin there later are shown, too.",
            Arity = ArgumentArity.OneOrMore,
        };
        var port = CommandLine.Option<int?>(
            "--port",
            "N",
            "Where it listens, at 127.0.0.1 alone; 0: any that is free. Default: 6060, or the next that is free."
        );
        var command = new Command("board", "Shows runs in a browser while they train: curves and states, renewed by themselves.")
        {
            folders,
            port,
        };
        command.SetAction((parsed, ended) => Run(parsed.GetRequiredValue(folders), parsed.GetValue(port), ended));
        return command;
    }

    private static async Task<int> Run(string[] folders, int? port, CancellationToken ended)
    {
        if (port is < 0 or > 65535)
            throw new UserErrorException($"--port is {port}; a number from 0 to 65535 was expected.");
        var server = BoardServer.Start(new BoardState(folders), port);
        await using (server.ConfigureAwait(false))
        {
            // Before the address is told. System.CommandLine must not see signals, too: now and then its exit code would count.
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(ended);
            using var interrupt = Stopping(PosixSignal.SIGINT, stop);
            using var terminate = Stopping(PosixSignal.SIGTERM, stop);
            ToolConsole.Current.Line(server.Address.AbsoluteUri);
            ToolConsole.Current.Note("Ctrl+C ends it.");
            await Wait(stop.Token).ConfigureAwait(false);
        }
        return 0;
    }

    /// <summary>Until it is told to end.</summary>
    private static async Task Wait(CancellationToken ended)
    {
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, ended).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // that is the end
        }
    }

    private static PosixSignalRegistration Stopping(PosixSignal signal, CancellationTokenSource stop) =>
        PosixSignalRegistration.Create(
            signal,
            context =>
            {
                context.Cancel = true;
                stop.Cancel();
            }
        );
}
